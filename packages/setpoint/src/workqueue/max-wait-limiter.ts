import { checkedNumber } from './checked-number.ts';
import type { RateLimiter } from './rate-limiter.ts';

/**
 * What `inner` says, but never longer than `maxMs` (milliseconds, ≥ 0).
 *
 * @throws Invalid when `maxMs` is out of bounds.
 */
export function maxWaitLimiter(inner: RateLimiter, maxMs: number): RateLimiter {
  const cap = checkedNumber('maxWaitLimiter maxMs', maxMs, { min: 0 });
  return {
    when: (key) => Math.min(inner.when(key), cap),
    forget: (key) => inner.forget(key),
    failures: (key) => inner.failures(key),
  };
}
