import type { Clock } from './clock.ts';

/** Half of what a person or a lease notices at the worst: a long loop yields this often. */
const DEFAULT_SLICE_MS = 10;

/**
 * Keeps long loops from holding up everything else: ask {@link due} after each item, and when it says so await
 * {@link rest}. Share one among loops that feed each other, so that their work counts together.
 *
 * ```ts
 * for (const item of items) {
 *   work(item);
 *   if (slice.due()) await slice.rest();
 * }
 * ```
 */
export class TimeSlice {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  #startedAt: number;

  constructor(clock: Clock, sliceMs: number = DEFAULT_SLICE_MS) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#startedAt = clock.now();
  }

  /** Whether the slice is used up: the last rest was longer than `sliceMs` ago. */
  due(): boolean {
    return this.#clock.now() - this.#startedAt >= this.#sliceMs;
  }

  /** Lets pending I/O run, then starts a new slice. */
  async rest(): Promise<void> {
    await this.#clock.yield();
    this.#startedAt = this.#clock.now();
  }
}
