import type { Clock, Timer } from '../internal/clock.ts';

/** What is waited for usually comes by itself, within a few milliseconds. */
const FIRST_AFTER_MS = 10;
/** etcd's own cache asks as often. Repeated, because a watch that is catching up does not answer. */
const AGAIN_AFTER_MS = 100;

/** Asks for progress marks while somebody waits, and only then. */
export class ProgressAsker {
  readonly #clock: Clock;
  readonly #ask: () => void;
  #waiting = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, ask: () => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Settles as `wait` does, and asks until then. */
  async during<T>(wait: Promise<T>): Promise<T> {
    this.#waiting++;
    if (this.#waiting === 1) this.#arm(FIRST_AFTER_MS);
    try {
      return await wait;
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#timer?.cancel();
    }
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#arm(AGAIN_AFTER_MS);
      this.#ask();
    }, delayMs);
  }
}
