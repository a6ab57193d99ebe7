import { type Clock, sleep } from '../internal/clock.ts';
import type { Revision } from '../store/index.ts';
import type { Ownership } from './ownership.ts';

/** Being at work on one key of a slot: what its writes carry, and how to say that it is over. */
export interface ShardStay {
  readonly ownership: Ownership;
  leave(): void;
}

/**
 * One slot that this replica owns. It lets work in from when the caches have caught up with what earlier owners wrote,
 * until it is drained; the slot is given up only when the work inside has ended, or has had its time.
 */
export class ShardSlot {
  readonly number: number;
  readonly ownership: Ownership;
  /** Taken because the one that it belongs to did not come: kept until that one stands in line. */
  readonly standIn: boolean;
  #open = false;
  #inside = 0;
  #empty: (() => void) | undefined;
  #draining: Promise<void> | undefined;

  constructor(number: number, ownership: Ownership, standIn: boolean) {
    this.number = number;
    this.ownership = ownership;
    this.standIn = standIn;
  }

  get heldSince(): Revision {
    return this.ownership.heldSince;
  }

  get draining(): boolean {
    return this.#draining !== undefined;
  }

  /** Whether work may begin here now. */
  get admits(): boolean {
    return this.#open && !this.draining && this.ownership.held;
  }

  open(): void {
    this.#open = true;
  }

  /** Undefined when no further work may begin here. */
  enter(): ShardStay | undefined {
    if (!this.admits) return undefined;
    this.#inside++;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      if (--this.#inside === 0) this.#empty?.();
    };
    return { ownership: this.ownership, leave };
  }

  /** Lets nothing more in, waits for what is inside, no longer than so long, and gives the slot up. */
  drain(clock: Clock, timeoutMs: number): Promise<void> {
    this.#draining ??= this.#drain(clock, timeoutMs);
    return this.#draining;
  }

  async #drain(clock: Clock, timeoutMs: number): Promise<void> {
    if (this.#inside > 0 && this.ownership.held) {
      const done = new AbortController();
      const empty = new Promise<void>((resolve) => (this.#empty = resolve));
      const lost = new Promise<void>((resolve) => {
        this.ownership.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([empty, lost, sleep(clock, timeoutMs, done.signal)]);
      done.abort();
    }
    await this.ownership.release();
  }
}
