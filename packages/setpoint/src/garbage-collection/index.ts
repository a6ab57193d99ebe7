/**
 * # Garbage collection
 *
 * Deletes what exists for another object's sake once that object is gone, as Kubernetes does. An owner is meant by its
 * uid: one that was deleted and created again under its name is another.
 *
 * - Background, the default: an object goes, then what it owned.
 * - Foreground: an object stays, with the finalizer `foregroundDeletion`, until those dependents are gone that block it.
 * - Orphan: an object stays, with the finalizer `orphan`, until no dependent names it as an owner any more.
 *
 * Promised: an object is deleted only when the store itself, not a cache, says that each of its owners is gone or waits
 * for it, and only as long as it is still as it was when that was found out. An object with an owner of a kind that
 * isn't collected here, or that can't be read, stays. Owners that are gone are taken off what stays for others. What was
 * begun or went unnoticed while nobody was running is done at the start: all that is known is in the store. Circles of
 * owners hold nothing up.
 *
 * Not promised: when; and what becomes of a dependent that is created after its owner's deletion was asked for.
 *
 * ```ts
 * const collector = createGarbageCollector({
 *   client,
 *   kinds: [
 *     { definition: Website, informer: websites },
 *     { definition: Server, informer: servers },
 *   ],
 * });
 * manager.add(collector); // a Runnable
 * ```
 *
 * Next: `garbage-collector.ts`, then `collect-dependent.ts` and `release-owner.ts`
 */
export { createGarbageCollector, type GarbageCollectorOptions } from './garbage-collector.ts';
export type { CollectedKind } from './owner-graph.ts';
