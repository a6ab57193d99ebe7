/**
 * # Garbage collection
 *
 * Deletes what exists for another object's sake once that object is gone, in the background, as Kubernetes does. An
 * owner is meant by its uid: one that was deleted and created again under its name is another.
 *
 * Promised: an object is deleted only when the store itself, not a cache, says that every one of its owners is gone,
 * and only as long as it is still as it was when that was found out. An object with an owner of a kind that isn't
 * collected here, or that can't be read, stays. What went unnoticed while nobody was running is found at the start.
 *
 * Not promised: when. Between an owner and what it owned there is a moment in which only the latter exists.
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
 * Next: `garbage-collector.ts`, then `owner-graph.ts`
 */
export { createGarbageCollector, type GarbageCollectorOptions } from './garbage-collector.ts';
export type { CollectedKind } from './owner-graph.ts';
