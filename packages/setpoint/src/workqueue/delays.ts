import type { Clock, Timer } from '../internal/clock.ts';
import { IndexedHeap } from '../internal/indexed-heap.ts';

/** A look at what is due, in case the armed timer was lost. client-go's `maxWait`. */
const HEARTBEAT_MS = 10_000;

/** How many due keys one wake-up lets through before other work gets its turn. */
const BATCH_MAX = 10_000;

/**
 * Keys that wait for their time, each at most once and at the earliest time that was asked for it. One timer is armed,
 * for the key that is due first; beside it beats a heartbeat, and both only while something waits.
 */
export class Delays<Key> {
  readonly #clock: Clock;
  readonly #onDue: (key: Key) => void;
  readonly #waiting = new IndexedHeap<Key>();
  /** When `#alarm` fires. Never later than the first due time; may be earlier, which costs one idle wake-up. */
  #alarmAt = Infinity;
  #alarm: Timer | undefined;
  #heartbeat: Timer | undefined;

  constructor(clock: Clock, onDue: (key: Key) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#waiting.size;
  }

  has(key: Key): boolean {
    return this.#waiting.has(key);
  }

  keys(): Iterable<Key> {
    return this.#waiting.keys();
  }

  /** How long until `key` is let through, in milliseconds; undefined when it doesn't wait. */
  leftMs(key: Key): number | undefined {
    const at = this.#waiting.at(key);
    return at === undefined ? undefined : Math.max(0, at - this.#clock.now());
  }

  /** Lets `key` through `delayMs` from this call, or earlier when it is already waiting for less. */
  add(key: Key, delayMs: number): void {
    this.#waiting.setEarlier(key, this.#clock.now() + delayMs);
    this.#arm();
  }

  /** Forgets that `key` waits. */
  cancel(key: Key): void {
    if (this.#waiting.size > 0 && this.#waiting.delete(key) && this.#waiting.size === 0) this.#disarm();
  }

  clear(): void {
    this.#waiting.clear();
    this.#disarm();
  }

  #arm(): void {
    const first = this.#waiting.peek();
    if (first === undefined) return this.#disarm();
    this.#heartbeat ??= this.#clock.setTimer(() => {
      this.#heartbeat = undefined;
      this.#wake();
    }, HEARTBEAT_MS);
    if (first.at >= this.#alarmAt) return;
    this.#alarm?.cancel();
    this.#alarmAt = first.at;
    this.#alarm = this.#clock.setTimer(() => this.#wake(), first.at - this.#clock.now());
  }

  #disarm(): void {
    this.#alarm?.cancel();
    this.#heartbeat?.cancel();
    this.#alarm = this.#heartbeat = undefined;
    this.#alarmAt = Infinity;
  }

  /** Lets through what is due. A timer may fire a little early, so the clock decides and not the timer. */
  #wake(): void {
    this.#alarm?.cancel();
    this.#alarmAt = Infinity;
    const now = this.#clock.now();
    for (let passed = 0; passed < BATCH_MAX; passed++) {
      const first = this.#waiting.peek();
      if (first === undefined || first.at > now) break;
      this.#waiting.pop();
      this.#onDue(first.key);
    }
    this.#arm();
  }
}
