import { bucketLimiter } from './bucket-limiter.ts';
import type { Clock } from '../internal/clock.ts';
import { exponentialLimiter } from './exponential-limiter.ts';
import { maxOfLimiter } from './max-of-limiter.ts';
import type { RateLimiter } from './rate-limiter.ts';

/**
 * A controller's default, client-go's: per key 5 ms doubling up to 1000 s, and never more than 10 retries per second
 * of all keys together once a burst of 100 is spent.
 */
export function defaultControllerLimiter(clock?: Clock): RateLimiter {
  return maxOfLimiter(exponentialLimiter(), bucketLimiter({}, clock));
}

/** client-go's default outside controllers: per key 1 ms doubling up to 1000 s, with no limit across keys. */
export function defaultItemLimiter(): RateLimiter {
  return exponentialLimiter({ baseMs: 1 });
}
