import type { Clock, Timer } from '../internal/clock.ts';

/**
 * Tells of each item when the same time has passed since it was added, in the order of the adds. All share one timer:
 * nearly every attempt ends long before its time, and a timer for each would cost more than that saves anybody.
 */
export class Deadlines<Item> {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #onDue: (item: Item) => void;
  /** When each is due. All wait equally long, so that the first added is the first due. */
  readonly #due = new Map<Item, number>();
  /** There while anything waits; it fires at the time of the first, or of one before it that is gone. */
  #timer: Timer | undefined;

  /** `afterMs` of Infinity: never. */
  constructor(clock: Clock, afterMs: number, onDue: (item: Item) => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#onDue = onDue;
  }

  add(item: Item): void {
    if (this.#afterMs === Infinity) return;
    this.#due.set(item, this.#clock.now() + this.#afterMs);
    if (!this.#timer) this.#arm(this.#afterMs);
  }

  delete(item: Item): void {
    if (!this.#due.delete(item) || this.#due.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimer(() => this.#fire(), delayMs);
  }

  /** When telling of one throws, the others are told all the same, a moment later. */
  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    try {
      for (const [item, due] of this.#due) {
        if (due > now) return;
        this.#due.delete(item);
        this.#onDue(item);
      }
    } finally {
      const [next] = this.#due.values();
      if (next !== undefined && !this.#timer) this.#arm(Math.max(0, next - now));
    }
  }
}
