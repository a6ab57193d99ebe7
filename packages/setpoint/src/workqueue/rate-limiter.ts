/**
 * Says how long a key waits before it is tried again. Small values that compose: {@link maxOfLimiter} of a per-key
 * exponential and a shared bucket is the default.
 */
export interface RateLimiter {
  /** Counts one more failure of `key` and returns the delay before its next attempt: finite, in milliseconds, ≥ 0. */
  when(key: string): number;
  /** Starts `key` over: it succeeded, or nobody will try it again. Nothing is kept of it. Unknown keys are fine. */
  forget(key: string): void;
  /** The calls of `when` for `key` since it was last forgotten. */
  failures(key: string): number;
}
