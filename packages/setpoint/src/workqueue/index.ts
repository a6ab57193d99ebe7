/**
 * # The work queue
 *
 * A queue of keys between events and workers. Events may come in any number; a worker is told "look at this key", once
 * per state of affairs, and reads the rest itself.
 *
 * What it promises:
 * - A key that waits is handed out once, however often it was added. A key is never held by two workers.
 * - A key that is added while a worker holds it is handed out exactly once more, after `done`. No add is lost.
 * - Keys come out in the order in which they became ready; where priorities are given, those of the highest first; where
 *   fairness is asked for, those of different flows in turns. None starves: `fair-list.ts` states the bounds.
 * - Of an immediate and several delayed adds of one key the earliest counts; the others are part of it.
 * - After shutdown what was accepted is still handed out; `drain` waits until it is done and reports what is not.
 * - An idle queue holds no memory of any key, and no timer.
 *
 * It does not promise that a key is handed out once per add, nor any order between a key's retries and other keys.
 * One process only: what must hold across processes belongs to `coordination`.
 *
 * ```ts
 * const queue = new WorkQueue();
 * queue.add('default/web');
 * for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
 *   await work(key).then(() => queue.forget(key), () => queue.addRateLimited(key));
 *   queue.done(key);
 * }
 * ```
 *
 * Next: `work-queue.ts`
 */
export {
  type AddNotes,
  type AddOptions,
  type RateLimitedOptions,
  WorkQueue,
  type WorkQueueOptions,
} from './work-queue.ts';
export { type Cause, type CauseInput, CAUSES_MAX } from './cause.ts';
export { type Fairness, namespaceOf } from './fair-list.ts';
export type { QueueEntry } from './queue-entry.ts';
export type { DrainReport } from './drains.ts';

export type { RateLimiter } from './rate-limiter.ts';
export { bucketLimiter, type BucketLimiterOptions } from './bucket-limiter.ts';
export { defaultControllerLimiter, defaultItemLimiter } from './default-limiters.ts';
export { exponentialLimiter, type ExponentialLimiterOptions } from './exponential-limiter.ts';
export { fastSlowLimiter, type FastSlowLimiterOptions } from './fast-slow-limiter.ts';
export { idleResetLimiter } from './idle-reset-limiter.ts';
export { maxOfLimiter } from './max-of-limiter.ts';
export { maxWaitLimiter } from './max-wait-limiter.ts';

/** What a lone user of the queue may want to give it. */
export { type Clock, systemClock, type Timer } from '../internal/clock.ts';
export { createMetrics, type Metrics } from '../internal/metrics.ts';
