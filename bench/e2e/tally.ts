import { sharedNow } from '../store/task.ts';
import { usedHere } from '../store/contestant.ts';
import type { Figures } from './job.ts';

/** Follows the status writes of one controller and turns them into figures. */
export class Tally {
  readonly #count: number;
  readonly #latencies: Float64Array;
  readonly #start = sharedNow();
  readonly #cpuAtStart = usedHere().cpuMs;
  #firstCreated = Infinity;
  #firstCall: number | undefined;
  #written = 0;
  #full!: () => void;
  /** Resolves at the last write. */
  readonly full = new Promise<void>((resolve) => (this.#full = resolve));

  constructor(count: number) {
    this.#count = count;
    this.#latencies = new Float64Array(count);
  }

  calling(): void {
    this.#firstCall ??= sharedNow();
  }

  /** The status of an object that was created at `stamp` has been written. */
  written(stamp: string): void {
    const created = Number(BigInt(stamp)) / 1e6;
    if (created < this.#firstCreated) this.#firstCreated = created;
    this.#latencies[this.#written++] = sharedNow() - created;
    if (this.#written === this.#count) this.#full();
  }

  /** To be asked for at once when it is full. */
  figures(): Figures {
    const now = sharedNow();
    const { cpuMs, peakMb } = usedHere();
    const sorted = this.#latencies.toSorted();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return {
      statusMs: now - this.#firstCall!,
      totalMs: now - Math.max(this.#start, this.#firstCreated),
      cpuMs: cpuMs - this.#cpuAtStart,
      peakMb,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  }
}
