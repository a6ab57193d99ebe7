import { SetpointError } from '../errors/index.ts';
import type { RateLimiter } from '../workqueue/index.ts';

/** The delay of a key whose limiter gave none. */
const FALLBACK_MS = 1000;

/**
 * A rate limiter of somebody else's making, from which nothing worse comes than a delay that was made up: when it throws
 * or answers what is no delay, that is told, and its key is tried again all the same.
 */
export function guardedLimiter(limiter: RateLimiter, onError: (error: unknown) => void): RateLimiter {
  const safely = <T>(ask: () => T, otherwise: T): T => {
    try {
      return ask();
    } catch (error) {
      onError(error);
      return otherwise;
    }
  };
  return {
    when: (key) => safely(() => checkedDelay(limiter.when(key)), FALLBACK_MS),
    forget: (key) => safely(() => limiter.forget(key), undefined),
    failures: (key) => safely(() => limiter.failures(key), 0),
  };
}

function checkedDelay(delayMs: number): number {
  if (Number.isFinite(delayMs)) return delayMs;
  throw new SetpointError(
    'Invalid',
    `a rate limiter's delay must be a finite number of milliseconds; got ${String(delayMs)}`,
  );
}
