import { type SetpointError } from 'setpoint';
import { type Clock, letManyListen, type Timer } from 'setpoint/internal';

/** Why a call has to end before it was answered. */
export type StopReason = 'timeout' | 'aborted' | 'closed';

/** What {@link CallScope.until} rejects with when the scope ends first. */
export const STOPPED = Symbol('stopped');

/**
 * The limits of one call: its time, its caller's signal and the life of the store. There is one for every call, so it
 * makes a signal of its own only for calls that have to wait for more than their answer.
 */
export class CallScope {
  readonly timeoutMs: number;
  /** The last thing that went wrong, for the message when time is up. */
  lastFailure: SetpointError | undefined;
  /** Whether the request is, or may be, at the server. */
  sent = false;
  readonly #closing: AbortSignal;
  readonly #caller: AbortSignal | undefined;
  readonly #timer: Timer;
  readonly #follow = (): void => this.stop();
  #controller: AbortController | undefined;
  #stopped = false;
  /** Ends what {@link until} waits for. */
  #onStop: (() => void) | undefined;

  /** Whoever makes it calls {@link stop} when `closing` aborts: one listener for all calls is cheaper than one each. */
  constructor(clock: Clock, timeoutMs: number, closing: AbortSignal, caller: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.#closing = closing;
    this.#caller = caller;
    this.#timer = clock.setTimer(this.#follow, timeoutMs, { ref: true });
    if (closing.aborted || caller?.aborted) this.#stopped = true;
    else if (caller) {
      letManyListen(caller);
      caller.addEventListener('abort', this.#follow, { once: true });
    }
  }

  /** Whether the call has to end. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Aborts when the call has to end. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#stopped) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Only meaningful once the scope has stopped. */
  get reason(): StopReason {
    if (this.#closing.aborted) return 'closed';
    return this.#caller?.aborted ? 'aborted' : 'timeout';
  }

  get callerReason(): unknown {
    return this.#caller?.reason;
  }

  /** Settles as `work` does, unless the scope stops first: then it is cancelled and this rejects with {@link STOPPED}. */
  until<T>(work: Promise<T>, cancel: () => void = () => {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        reject(STOPPED);
        cancel();
      };
      const settled = (): void => {
        if (this.#onStop === stop) this.#onStop = undefined;
      };
      if (this.#stopped) stop();
      else this.#onStop = stop;
      work.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(error);
        },
      );
    });
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#controller?.abort();
    this.#onStop?.();
  }

  end(): void {
    this.#timer.cancel();
    this.#caller?.removeEventListener('abort', this.#follow);
  }
}
