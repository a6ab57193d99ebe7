import type { Clock, Timer } from 'setpoint/internal';

/**
 * Calls `onSilent` when nothing was heard for `limitMs` while somebody listened. One timer for any number of
 * messages: it looks at the time when it fires.
 */
export class SilenceGuard {
  readonly #clock: Clock;
  readonly #onSilent: () => void;
  #limitMs = 0;
  #listeningSince: number | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, onSilent: () => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** Begins to listen, with this limit from now on; 0 for none. */
  start(limitMs: number): void {
    this.stop();
    this.#limitMs = limitMs;
    this.#listeningSince = this.#clock.now();
    if (limitMs > 0) this.#arm(limitMs);
  }

  /** Something was heard, and is being dealt with: time spent on that is not silence. */
  heard(): void {
    this.#listeningSince = undefined;
  }

  listening(): void {
    this.#listeningSince = this.#clock.now();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(() => {
      const since = this.#listeningSince;
      const leftMs = since === undefined ? this.#limitMs : since + this.#limitMs - this.#clock.now();
      if (leftMs > 0) this.#arm(leftMs);
      else this.#onSilent();
    }, delayMs);
  }
}
