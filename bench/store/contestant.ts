import { peakMemoryMb } from '../peak-memory.ts';
import { sharedNow, stampOf } from './task.ts';

/** One way to read from etcd. */
export interface Contestant {
  /** Does what comes before the work, such as connecting. */
  prepare(): Promise<void>;
  /** Goes through all keys under the prefix and says how many there were. */
  list(prefix: string): Promise<number>;
  /** Delivers events from a revision on until the tally is full. */
  watch(prefix: string, startRevision: bigint, tally: Tally): Promise<void>;
  /** What the process that does the work has used: CPU time since it began, the most memory it ever had. */
  used(): { readonly cpuMs: number | undefined; readonly peakMb: number | undefined };
  close(): Promise<void>;
}

/** Counts events, and how long each was on its way where values say when they were put. */
export class Tally {
  readonly #latencies: Float64Array | undefined;
  readonly #total: number;
  #seen = 0;

  constructor(total: number, live: boolean) {
    this.#total = total;
    this.#latencies = live ? new Float64Array(total) : undefined;
  }

  get full(): boolean {
    return this.#seen >= this.#total;
  }

  /** Takes one event in. */
  count(value: Uint8Array): void {
    if (this.#latencies && this.#seen < this.#total) this.#latencies[this.#seen] = sharedNow() - stampOf(value);
    this.#seen++;
  }

  percentiles(): { readonly p50Ms: number; readonly p99Ms: number } | undefined {
    if (!this.#latencies) return undefined;
    const sorted = this.#latencies.slice().sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}

/** What this very process has used. */
export function usedHere(): { readonly cpuMs: number; readonly peakMb: number } {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, peakMb: peakMemoryMb() };
}
