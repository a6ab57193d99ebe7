import type { Random } from './random.ts';

/** How long to wait between attempts. All durations in milliseconds. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  /** Growth per attempt. Default 2. */
  readonly factor?: number;
  /** Adds up to this share of the delay at random: with 1.0 each delay lies in [d, 2d). Default 1.0, as client-go. */
  readonly jitter?: number;
}

/** Exponential back-off with jitter. The state is one counter; `reset` starts over. */
export class Backoff {
  #attempts = 0;
  readonly #options: Required<BackoffOptions>;
  readonly #random: Random;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = { factor: 2, jitter: 1, ...options };
    this.#random = random;
  }

  /** The delay before the next attempt. The cap applies before jitter, so that capped clients still spread out. */
  next(): number {
    const { baseMs, maxMs, factor, jitter } = this.#options;
    const delay = Math.min(maxMs, baseMs * factor ** Math.min(this.#attempts++, 1000));
    return delay * (1 + jitter * this.#random.next());
  }

  reset(): void {
    this.#attempts = 0;
  }
}
