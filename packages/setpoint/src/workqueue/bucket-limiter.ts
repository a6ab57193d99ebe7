import { type Clock, systemClock } from '../internal/clock.ts';
import { checkedNumber } from './checked-number.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface BucketLimiterOptions {
  /** Tokens that come back per second; above 0. Default 10, client-go's. */
  readonly perSecond?: number;
  /** Tokens in a full bucket, an integer of at least 1. Default 100, client-go's. */
  readonly burst?: number;
}

/**
 * One bucket of tokens for all keys together. Every call takes a token: while there are any the delay is 0, after that
 * each call is given the time of the token that it took in advance (the 101st at one instant 100 ms, the 110th 1 s).
 * `forget` gives nothing back, and no failures are counted.
 *
 * @throws Invalid when an option is out of bounds.
 */
export function bucketLimiter(options: BucketLimiterOptions = {}, clock: Clock = systemClock): RateLimiter {
  const perSecond = checkedNumber('bucketLimiter perSecond', options.perSecond ?? 10, { above: 0 });
  const burst = checkedNumber('bucketLimiter burst', options.burst ?? 100, { min: 1, integer: true });
  let tokens = burst;
  let filledAt = clock.now();
  return {
    when() {
      const now = clock.now();
      tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond) - 1;
      filledAt = now;
      return tokens < 0 ? (-tokens / perSecond) * 1000 : 0;
    },
    forget: () => {},
    failures: () => 0,
  };
}
