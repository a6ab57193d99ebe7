import { type SetpointError } from 'setpoint';
import { type Clock, type LinkedAbort, linkedAbort, type Timer } from 'setpoint/internal';

/** Why a call has to end before it was answered. */
export type StopReason = 'timeout' | 'aborted' | 'closed';

/** The limits of one call: its time, its caller's signal and the life of the store, as one signal. */
export class CallScope {
  readonly timeoutMs: number;
  /** The last thing that went wrong, for the message when time is up. */
  lastFailure: SetpointError | undefined;
  /** Whether the request is, or may be, at the server. */
  sent = false;
  readonly #closing: AbortSignal;
  readonly #caller: AbortSignal | undefined;
  readonly #link: LinkedAbort;
  readonly #timer: Timer;

  constructor(clock: Clock, timeoutMs: number, closing: AbortSignal, caller: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.#closing = closing;
    this.#caller = caller;
    this.#link = linkedAbort(closing, caller);
    this.#timer = clock.setTimer(() => this.#link.abort(undefined), timeoutMs, { ref: true });
  }

  get signal(): AbortSignal {
    return this.#link.signal;
  }

  /** Only meaningful once the signal has aborted. */
  get reason(): StopReason {
    if (this.#closing.aborted) return 'closed';
    return this.#caller?.aborted ? 'aborted' : 'timeout';
  }

  get callerReason(): unknown {
    return this.#caller?.reason;
  }

  end(): void {
    this.#timer.cancel();
    this.#link.unlink();
  }
}
