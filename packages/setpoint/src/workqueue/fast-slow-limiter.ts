import { checkedNumber } from './checked-number.ts';
import { FailureCounts } from './failure-counts.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface FastSlowLimiterOptions {
  /** The delay of the first `fastAttempts` retries, in milliseconds, ≥ 0. */
  readonly fastMs: number;
  /** The delay of every later one, in milliseconds, ≥ 0. */
  readonly slowMs: number;
  /** An integer ≥ 0. */
  readonly fastAttempts: number;
}

/**
 * Per key: some quick retries, then slow ones. For failures that are either gone in a moment or here to stay.
 *
 * @throws Invalid when an option is out of bounds.
 */
export function fastSlowLimiter(options: FastSlowLimiterOptions): RateLimiter {
  const fastMs = checkedNumber('fastSlowLimiter fastMs', options.fastMs, { min: 0 });
  const slowMs = checkedNumber('fastSlowLimiter slowMs', options.slowMs, { min: 0 });
  const fastAttempts = checkedNumber('fastSlowLimiter fastAttempts', options.fastAttempts, { min: 0, integer: true });
  const failures = new FailureCounts();
  return {
    when: (key) => (failures.next(key) < fastAttempts ? fastMs : slowMs),
    forget: (key) => failures.forget(key),
    failures: (key) => failures.of(key),
  };
}
