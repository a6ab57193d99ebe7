import { type Clock, systemClock } from '../internal/clock.ts';
import { checkedNumber } from './checked-number.ts';
import type { RateLimiter } from './rate-limiter.ts';

/**
 * What `inner` says, but a key that was not asked about for longer than `idleMs` (milliseconds, above 0; client-go
 * takes twice the longest delay) is forgotten first. For keys that nobody forgets, such as endpoints that come and go:
 * idle ones are dropped from memory as others fail.
 *
 * @throws Invalid when `idleMs` is out of bounds.
 */
export function idleResetLimiter(inner: RateLimiter, idleMs: number, clock: Clock = systemClock): RateLimiter {
  checkedNumber('idleResetLimiter idleMs', idleMs, { above: 0 });
  /** When each key was last asked about, the longest ago first. */
  const askedAt = new Map<string, number>();
  const forget = (key: string): void => {
    askedAt.delete(key);
    inner.forget(key);
  };
  const forgetIdle = (): void => {
    for (const [key, at] of askedAt) {
      if (clock.now() - at <= idleMs) return;
      forget(key);
    }
  };
  return {
    when(key) {
      forgetIdle();
      askedAt.delete(key);
      askedAt.set(key, clock.now());
      return inner.when(key);
    },
    forget,
    failures(key) {
      forgetIdle();
      return inner.failures(key);
    },
  };
}
