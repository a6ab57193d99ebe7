import { SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { letManyListen } from '../internal/many-listeners.ts';

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: as long as it takes. */
  readonly timeoutMs?: number | undefined;
}

interface Waiter {
  readonly done: () => boolean;
  /** Ends the wait: with an error, or well without one. */
  readonly end: (error?: SetpointError) => void;
}

/** Callers that wait for a condition. Whoever changes what conditions are about calls {@link check} afterwards. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #closed: SetpointError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves once `done()` holds, at once if it does now. Rejects with `Timeout`, with `Aborted` when the signal
   * aborts, and with what {@link fail} or {@link close} say. `what` completes "gave up waiting for …".
   */
  wait(what: string, done: () => boolean, options: WaitOptions = {}): Promise<void> {
    const { signal, timeoutMs = Infinity } = options;
    const gaveUp = `gave up waiting for ${what}`;
    const aborted = (): SetpointError => new SetpointError('Aborted', gaveUp, { cause: signal?.reason });
    if (done()) return Promise.resolve();
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(aborted());
    return new Promise((resolve, reject) => {
      const onAbort = (): void => waiter.end(aborted());
      const waiter: Waiter = {
        done,
        end: (error) => {
          this.#waiting.delete(waiter);
          timer?.cancel();
          signal?.removeEventListener('abort', onAbort);
          if (error) reject(error);
          else resolve();
        },
      };
      this.#waiting.add(waiter);
      if (signal) {
        letManyListen(signal);
        signal.addEventListener('abort', onAbort, { once: true });
      }
      const late = (): void => waiter.end(new SetpointError('Timeout', `${gaveUp} after ${timeoutMs} ms`));
      const timer = timeoutMs === Infinity ? undefined : this.#clock.setTimer(late, timeoutMs);
    });
  }

  /** Lets go of those whose condition holds now. */
  check(): void {
    for (const waiter of this.#waiting) if (waiter.done()) waiter.end();
  }

  /** Ends the waits there are. */
  fail(error: SetpointError): void {
    for (const waiter of this.#waiting) waiter.end(error);
  }

  /** Ends the waits there are, and all later ones whose condition doesn't hold. */
  close(error: SetpointError): void {
    this.#closed ??= error;
    this.fail(error);
  }
}
