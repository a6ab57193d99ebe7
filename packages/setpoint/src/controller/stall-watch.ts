import type { Clock, Timer } from '../internal/clock.ts';

/** How often the event loop is looked at while something runs. */
const LOOK_MS = 100;
/**
 * By the system's clock: until when somebody has told why the event loop stood still. There is one loop for all controllers
 * of a process, and what one of them has told the others need not guess.
 */
let explainedAt = -Infinity;

/** So many keys that ended since the last look are remembered: whoever is to blame is among the last. */
const ENDED_MAX = 8;

/**
 * Notices that the event loop stood still while reconciles ran. The first stretch of a reconcile is timed by itself; this
 * is for what comes after its first `await`, of which nobody can tell to whom it belongs: whoever ran is a suspect.
 */
export class StallWatch {
  readonly #clock: Clock;
  readonly #leastMs: number;
  readonly #onStall: (ms: number, ended: readonly string[]) => void;
  readonly #ended: string[] = [];
  #running = 0;
  #timer: Timer | undefined;
  #due = 0;

  /** `onStall` is told of `leastMs` and more, and of keys that ended since the loop was last seen to run. */
  constructor(clock: Clock, leastMs: number, onStall: (ms: number, ended: readonly string[]) => void) {
    this.#clock = clock;
    this.#leastMs = leastMs;
    this.#onStall = onStall;
  }

  began(): void {
    this.#running++;
    if (!this.#timer) this.#arm();
  }

  ended(key: string): void {
    this.#running--;
    if (this.#ended.push(key) > ENDED_MAX) this.#ended.shift();
  }

  /** Somebody has told already why the loop stood still until now. */
  explained(): void {
    explainedAt = this.#clock.now();
  }

  #arm(): void {
    this.#due = this.#clock.now() + LOOK_MS;
    this.#timer = this.#clock.setTimer(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    const lateMs = this.#clock.now() - Math.max(this.#due, explainedAt);
    const ended = this.#ended.splice(0);
    this.#timer = undefined;
    if (this.#running > 0) this.#arm();
    if (lateMs >= this.#leastMs) this.#onStall(lateMs, ended);
  }
}
