/**
 * # rx
 *
 * What happens, as rxjs Observables: for dashboards, logs and tests that watch. They observe and drive nothing. A
 * pipeline has no memory of keys, does not coalesce, and is over at its first error; what acts on the world belongs
 * into a reconciler, and what asks for a reconcile into an `observableSource` of `setpoint/source`.
 *
 * Promised: a subscriber that throws, lags or leaves affects neither the cache nor the controller nor other
 * subscribers. (An error that a subscriber throws is reported by rxjs as uncaught, as always.)
 *
 * ```ts
 * const { changes$, snapshot$, status$ } = informerStreams(manager.informer(Website));
 * changes$.pipe(filter(({ type }) => type === 'delete')).subscribe(announce);
 * reconciles(manager.controller('websites')).pipe(bufferTime(1000)).subscribe(drawChart);
 * ```
 *
 * Next: `observe.ts`
 */
export { type CacheSnapshot, informerStreams, type InformerStatus, type InformerStreams } from './informer-streams.ts';
export { changes, type KeyedChange, reconciles } from './observe.ts';
