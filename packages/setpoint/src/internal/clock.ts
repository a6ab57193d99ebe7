/**
 * All time in setpoint comes from a {@link Clock}. Nothing else in the packages may touch timers or dates (a check
 * enforces it), which is what lets a test run a whole control plane on virtual time.
 */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin. The only time that deadlines and delays are computed from. */
  now(): number;
  /** Wall-clock milliseconds since 1970. For labels such as `creationTimestamp` only: it may jump either way. */
  wallNow(): number;
  /**
   * Calls `callback` once, `delayMs` from now (a delay ≤ 0 means as soon as possible, still asynchronously). Delays
   * past Node's own limit of 2³¹−1 ms work. A timer never keeps the process alive on its own unless `ref` is true.
   */
  setTimer(callback: () => void, delayMs: number, options?: { readonly ref?: boolean }): Timer;
  /** Lets pending I/O run before the caller goes on: time-slicing for long loops. */
  yield(): Promise<void>;
}

/** A pending call of {@link Clock.setTimer}. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Node clamps longer timeouts to 1 ms, which turns a 30-day delay into a hot loop; longer waits go in hops. */
const NODE_TIMER_MAX_MS = 2 ** 31 - 1;

/** The real event loop's, captured before anything can replace it: long loops go on also where a user's test has. */
export const realImmediate = setImmediate;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer(callback, delayMs, options = {}) {
    const due = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const left = due - performance.now();
      const fire = left > NODE_TIMER_MAX_MS ? arm : callback;
      handle = setTimeout(fire, Math.min(Math.max(left, 0), NODE_TIMER_MAX_MS));
      if (options.ref !== true) handle.unref();
    };
    arm();
    // Node keeps the list of an unreferenced timer that was cancelled until the timer would have been due, one for each
    // duration that was ever asked for: with jitter that is one for each timer.
    return { cancel: () => clearTimeout(handle.ref()) };
  },
  yield: () => new Promise((resolve) => realImmediate(resolve)),
};

/**
 * Resolves after `delayMs`, or at once when `signal` aborts: it never rejects, so that a loop asks the signal what
 * happened in the one place where it decides to go on. Pass `ref: true` where the wait is the process's only work.
 */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
  options?: { readonly ref?: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimer(finish, delayMs, options);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
