/**
 * # Controller
 *
 * Sources, a queue, a pool of workers and one reconciler. Events become keys, keys coalesce in the queue, and each
 * free worker takes one key and calls the reconciler with it, until the world matches what is wanted.
 *
 * Promised: never two attempts of one key at once; none before the caches are complete; every failure is tried again,
 * each time later; a function that does not return holds up its own key and nothing else.
 *
 * ```ts
 * const controller = new Controller({
 *   name: 'websites',
 *   sources: [informerSource(informer, enqueueObject)],
 *   reconcile: async ({ key }, { signal }) => bringUp(informer.lister.get(key), signal),
 *   concurrency: 4,
 * });
 * await controller.run(signal);
 * ```
 *
 * Next: `reconciler.ts`, the idea; then `controller.ts`, then `attempt-run.ts`
 */
export { Controller } from './controller.ts';
export type { ControllerOptions } from './controller-options.ts';
export type { Explanation } from './explanation.ts';
export type { HotKey } from './hot-keys.ts';
export { type Outcome, REQUEUE_FLOOR_MS } from './outcome.ts';
export type { PauseScope } from './pauses.ts';
export type { ControllerEvents, ReconcileReport, RunningAttempt } from './report.ts';
export type { RunHistoryOptions, RunRecord } from './run-history.ts';
export type { ReconcileTrace } from './trace-channels.ts';
export type { Write } from './write.ts';
export { type Attempt, type Reconciler, type Request, type Result, terminal } from './reconciler.ts';
