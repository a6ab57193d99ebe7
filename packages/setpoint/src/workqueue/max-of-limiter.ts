import { SetpointError } from '../errors/index.ts';
import type { RateLimiter } from './rate-limiter.ts';

/**
 * The longest of what `limiters` say. Every one is asked every time, so a bucket's tokens are spent even while another
 * limiter's delay is the longer one. Its failure count is the largest; `forget` reaches all.
 *
 * @throws Invalid when no limiter is given.
 */
export function maxOfLimiter(...limiters: readonly RateLimiter[]): RateLimiter {
  if (limiters.length === 0) {
    throw new SetpointError('Invalid', 'maxOfLimiter must be given at least 1 limiter, but 0 were given');
  }
  return {
    when: (key) => Math.max(...limiters.map((limiter) => limiter.when(key))),
    forget: (key) => limiters.forEach((limiter) => limiter.forget(key)),
    failures: (key) => Math.max(...limiters.map((limiter) => limiter.failures(key))),
  };
}
