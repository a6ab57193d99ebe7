import type { Clock } from './clock.ts';

/** Half of what a person or a lease notices at the worst: a long loop yields this often. */
const DEFAULT_SLICE_MS = 10;

/** The loops of one clock that rest, in the order in which they came. Each turn of the event loop one goes on. */
class Turns {
  readonly #clock: Clock;
  readonly #resting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#resting.push(resolve) === 1) void this.#take();
    });
  }

  async #take(): Promise<void> {
    while (this.#resting.length > 0) {
      await this.#clock.yield();
      this.#resting.shift()!();
    }
  }
}

const turnsOf = new WeakMap<Clock, Turns>();

/**
 * Keeps long loops from holding up everything else: ask {@link due} after each item, and when it says so await
 * {@link rest}. Share one among loops that feed each other, so that their work counts together. Loops that rest go on one
 * in each turn of the event loop, also those with slices of their own: however many there are, one slice of work is all
 * that I/O waits for.
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
  readonly #turns: Turns;
  #startedAt: number;

  constructor(clock: Clock, sliceMs: number = DEFAULT_SLICE_MS) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#startedAt = clock.now();
    const turns = turnsOf.get(clock) ?? new Turns(clock);
    turnsOf.set(clock, (this.#turns = turns));
  }

  /** Whether the slice is used up: the last rest was longer than `sliceMs` ago. */
  due(): boolean {
    return this.#clock.now() - this.#startedAt >= this.#sliceMs;
  }

  /** Lets pending I/O run, then starts a new slice. */
  async rest(): Promise<void> {
    await this.#turns.next();
    this.#startedAt = this.#clock.now();
  }
}
