import type { Cause } from '../workqueue/index.ts';
import type { Outcome } from './outcome.ts';
import type { Write } from './write.ts';

/** One attempt that has ended, as it is remembered: without objects, and bounded. */
export interface RunRecord {
  readonly reconcileId: string;
  readonly attempt: number;
  /** When it began, in wall-clock milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** How long it had been wanted before; absent when nobody noted it. */
  readonly queuedMs?: number | undefined;
  readonly causes: readonly Cause[];
  /** The first twenty. */
  readonly writes: readonly Write[];
  readonly result: Outcome['type'];
  /** For `requeue_after`. */
  readonly requeueAfterMs?: number;
  /** For `error`: its type, code and message, shortened. */
  readonly error?: string;
  readonly timedOut: boolean;
}

/** How many writes of a run are remembered. */
export const WRITES_MAX = 20;

export interface RunHistoryOptions {
  /** How many runs of each key are remembered. Default 5; 0 for none. */
  readonly runsPerKey?: number;
  /** Of how many keys, those that ran last. Default 1000. */
  readonly keysMax?: number;
}

/** The last runs of the keys that ran last: bounded in both, whatever runs. */
export class RunHistory {
  readonly #runsPerKey: number;
  readonly #keysMax: number;
  /** By key, the key that ran last at the end; of each key the oldest run first. */
  readonly #runs = new Map<string, RunRecord[]>();

  constructor({ runsPerKey = 5, keysMax = 1000 }: RunHistoryOptions = {}) {
    this.#runsPerKey = runsPerKey;
    this.#keysMax = keysMax;
  }

  add(key: string, run: RunRecord): void {
    if (this.#runsPerKey <= 0 || this.#keysMax <= 0) return;
    const runs = this.#runs.get(key) ?? [];
    this.#runs.delete(key);
    this.#runs.set(key, runs);
    if (runs.push(run) > this.#runsPerKey) runs.shift();
    if (this.#runs.size <= this.#keysMax) return;
    for (const oldest of this.#runs.keys()) return void this.#runs.delete(oldest);
  }

  /** The newest first. */
  of(key: string): readonly RunRecord[] {
    return this.#runs.get(key)?.toReversed() ?? [];
  }

  get size(): number {
    return this.#runs.size;
  }
}
