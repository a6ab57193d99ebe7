import { checkedNumber } from './checked-number.ts';
import { FailureCounts } from './failure-counts.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface ExponentialLimiterOptions {
  /** The first delay, in milliseconds; above 0. Default 5, client-go's. */
  readonly baseMs?: number;
  /** No delay is longer, in milliseconds; at least `baseMs`. Default 1,000,000 (1000 s), client-go's. */
  readonly maxMs?: number;
}

/**
 * Per key: `baseMs`, then twice as long after each failure, up to `maxMs`. By default 5 ms, 10 ms, … 655.36 s for the
 * 18th, and 1000 s from the 19th on. Without jitter: keys fail at their own times.
 *
 * @throws Invalid when an option is out of bounds.
 */
export function exponentialLimiter(options: ExponentialLimiterOptions = {}): RateLimiter {
  const baseMs = checkedNumber('exponentialLimiter baseMs', options.baseMs ?? 5, { above: 0 });
  const maxMs = checkedNumber('exponentialLimiter maxMs', options.maxMs ?? 1_000_000, { min: baseMs });
  const failures = new FailureCounts();
  return {
    // From the 1025th failure on 2 ** n is Infinity, never NaN (the base is above 0), and the cap still holds.
    when: (key) => Math.min(baseMs * 2 ** failures.next(key), maxMs),
    forget: (key) => failures.forget(key),
    failures: (key) => failures.of(key),
  };
}
