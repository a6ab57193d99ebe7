/**
 * # Sources
 *
 * Where reconcile requests come from. A source watches something and says which keys to look at again; what happened
 * is deliberately lost on the way, because a reconcile compares the desired with the observed state and never
 * replays events.
 *
 * Promised: for every change that passes its predicate a source enqueues the keys it concerns, before and after the
 * change. User code that throws is reported and fails open.
 *
 * ```ts
 * const servers = informerSource(serverInformer, enqueueOwner({ owner: Website }));
 * const websites = informerSource(websiteInformer, enqueueObject, { predicate: or(generationChanged, labelsChanged) });
 * const nightly = timerSource({ cron: '30 3 * * *', keys: () => websiteInformer.lister.keys() });
 *
 * new Controller({ name: 'websites', sources: [websites, servers, nightly], reconcile });
 * ```
 *
 * Next: `source.ts`, then `informer-source.ts`
 */
export { informerSource, type InformerSourceOptions, LOW_PRIORITY, type ObservedInformer } from './informer-source.ts';
export { observableSource, type ObservableSourceOptions } from './observable-source.ts';
export {
  and,
  annotationsChanged,
  type Change,
  generationChanged,
  inNamespaces,
  labelsChanged,
  labelsMatch,
  not,
  onlyChanges,
  or,
  type Predicate,
  resourceVersionChanged,
  statusChanged,
} from './predicate.ts';
export { timerSource, type TimerSourceOptions } from './timer-source.ts';
export type { Source, SourceFailure, SourceSink } from './source.ts';
export {
  enqueueMapped,
  enqueueObject,
  enqueueOwner,
  type EnqueueOwnerOptions,
  refKey,
  type ToKeys,
} from './to-keys.ts';
