/**
 * # Informer
 *
 * A local copy of everything under one prefix, kept up to date from the store, with indexes to look things up and
 * handlers that are told what changes. Readers never ask the store: that is what lets ten thousand reconciles look
 * at the world without a request.
 *
 * ```ts
 * const config = createInformer({ store, prefix: '/config', codec: textCodec });
 * config.addEventHandler({ update: (old, now, { key }) => console.log(`${key}: ${old} is now ${now}`) });
 * void config.run(signal);
 * await config.whenSynced();
 * config.lister.get('web/colour'); // from memory
 * ```
 *
 * ## What it promises
 *
 * *The cache* is eventually what the store holds, and always what the store held at `revision`: a list at one
 * revision, also over many pages, then whole revisions in order, each once. A reader never sees half a transaction.
 * After broken connections, compactions and restarts of the store it comes back to the present, by following where
 * history allows and by a new list where it doesn't. A list replaces the cache in one step. `revision` never falls
 * but by a `history-reset` event, after which `hasSynced` is false until the new history was listed.
 *
 * *A handler* is told of each object first as an add, then of updates, then of a delete with the last known state,
 * and again as an add when the key comes back. The cache moves on before any handler is told, so a handler finds its
 * own event in it, and maybe later ones.
 *
 * - Per key the order is the store's. A deleted and re-created object is a delete and an add, never an update.
 * - States may be skipped: when a relist bridges a gap, and while a handler is busy. The last state never is.
 * - Across keys, a handler that keeps up (every one without promises does) is told in the order of revisions; a relist
 *   tells deletes first. One that lags is told key by key, in the order in which each key first changed.
 * - Nothing is told twice. What waits for a handler is bounded by the number of keys.
 * - A handler that throws, hangs or is slow with promises affects no other and not the cache. One that blocks the
 *   event loop blocks everything: handlers are for putting keys into a queue.
 *
 * *Smaller caches*: a `transform` says what is kept of each object, `keysOnly` keeps no values; both show in the type.
 *
 * *Several caches at one moment*: `takeSnapshot([a, b])` shows them at one revision, however far each has come.
 *
 * *When most of a cache goes at one revision*, the cache follows and handlers are held until somebody who has looked
 * calls `release()`: nothing tears down the world because a prefix was wiped.
 *
 * *Shared at run time*: `createInformerSet` runs one informer for each prefix for as long as somebody has a share in it.
 *
 * *Not promised*: that two informers are at the same revision; that an object still exists when it is told; that what
 * a process wrote itself is already here (`waitFor` its revision).
 *
 * *Values that can't be read* put their key into quarantine: reported, listed, served in its last good state, healed
 * by the next good write. A delete is never made up from them; `quarantine.ts` has the argument.
 *
 * Next: `informer.ts`, then `reflector.ts`
 */
export type { AuditOptions } from './audit.ts';
export type { AuditFinding, DivergedKey } from './audit-pass.ts';
export type { AddInfo, ChangeInfo, EventHandler, EventHandlerOptions, HandlerRegistration } from './event-handler.ts';
export { Indexer, type IndexerOptions } from './indexer.ts';
export { createInformer, Informer } from './informer.ts';
export type { ListSummary } from './informer-cache.ts';
export {
  createInformerSet,
  InformerSet,
  type InformerSetOptions,
  type InformerShare,
  type SharedInformerOptions,
} from './informer-set.ts';
export type {
  InformerCounts,
  InformerEvents,
  InformerFailure,
  InformerPhase,
  ObjectEvents,
} from './informer-events.ts';
export type { CacheLag } from './informer-metrics.ts';
export type { InformerOptions, KeysInformerOptions, TransformingInformerOptions } from './informer-options.ts';
export type { Entry, Lister } from './lister.ts';
export type { MassDelete, MassDeleteOptions } from './mass-delete.ts';
export { labelIndex, namespaceIndex, ownerIndex } from './object-indexes.ts';
export type { QuarantinedKey } from './quarantine.ts';
export { Reflector, type ReflectorOptions } from './reflector.ts';
export type { ListReason, ListStage, ReflectorSink, ReflectorState } from './reflector-state.ts';
export { takeSnapshot, type Snapshot, type SnapshotOptions, type SnapshotView } from './snapshot.ts';
export type { Transform } from './transform.ts';
export type { IndexErrorListener, IndexFunction } from './value-index.ts';
export type { WaitOptions } from './waiters.ts';
