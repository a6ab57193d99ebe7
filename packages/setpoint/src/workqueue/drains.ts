import type { Clock } from '../internal/clock.ts';

/** What a drain came to. */
export interface DrainReport<Key> {
  /** The keys still ready or in processing: none when the queue ran empty. */
  readonly left: readonly Key[];
}

/** The callers who wait for the queue to run empty. */
export class Drains<Key> {
  readonly #clock: Clock;
  readonly #left: () => readonly Key[];
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, left: () => readonly Key[]) {
    this.#clock = clock;
    this.#left = left;
  }

  /** Resolves at `release`, or after `timeoutMs`. */
  wait(timeoutMs?: number): Promise<DrainReport<Key>> {
    return new Promise((resolve) => {
      const finish = (): void => {
        timer?.cancel();
        this.#waiting.delete(finish);
        resolve({ left: this.#left() });
      };
      // While a program waits for its workers at the end, this may be all that keeps it alive.
      const timer = timeoutMs === undefined ? undefined : this.#clock.setTimer(finish, timeoutMs, { ref: true });
      this.#waiting.add(finish);
    });
  }

  /** Ends every wait. */
  release(): void {
    for (const finish of this.#waiting) finish();
  }
}
