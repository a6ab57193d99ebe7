/**
 * # Internal
 *
 * What setpoint's own packages share below every concept: time, randomness, back-off, abort signals and the logger's
 * shape. `@setpoint/etcd` imports it as `setpoint/internal`, at exactly its own version.
 *
 * It is **not** part of the public interface and not covered by semantic versioning: any release may change it. What
 * users need of it (the clocks and the seeded random of tests) is exported by `setpoint/testing`.
 *
 * ```ts
 * const backoff = new Backoff({ baseMs: 100, maxMs: 3000 }, systemRandom);
 * while (!signal.aborted && !(await connected())) {
 *   await sleep(systemClock, backoff.next(), signal);
 * }
 * ```
 *
 * Next: `clock.ts`
 */
export { Backoff, type BackoffOptions } from './backoff.ts';
export { type Clock, sleep, systemClock, type Timer } from './clock.ts';
export { type Deferred, deferred } from './deferred.ts';
export { type LinkedAbort, linkedAbort } from './linked-abort.ts';
export { letManyListen } from './many-listeners.ts';
export { type Logger, steadyLogger } from './logger.ts';
export { type Random, systemRandom } from './random.ts';
