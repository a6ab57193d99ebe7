import fc from 'fast-check';
import { expiringSequence, plainSequence } from './arbitrary-sequence.ts';
import type { Step } from './call.ts';
import { Coverage } from './coverage.ts';
import { Difference, NoAnswer, TooSlow } from './difference.ts';
import { Lane } from './lane.ts';
import { Twin } from './twin.ts';

export interface ShareOptions {
  /** The minor version of etcd. */
  readonly version: string;
  readonly seed: number;
  /** Which sequences to run: their numbers, from 1. */
  readonly numbers: Iterable<number>;
  /** How many etcds take sequences at the same time. */
  readonly lanes: number;
  /** How many more do so for the sequences in which leases run out, which mostly wait. */
  readonly waitingLanes: number;
  /** No sequence is begun after so many minutes. Default: all are. */
  readonly minutesMax?: number;
  /** Called after each sequence. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly version: string;
  sequences: number;
  expiring: number;
  operations: number;
  /** Sequences that were run again because the machine was too slow for their leases. */
  again: number;
  /** Sequences that were given up because it stayed too slow. */
  skipped: number;
}

export interface ShareResult extends Progress {
  readonly coverage: Readonly<Record<string, number>>;
  readonly failure?: Failure;
}

/** The first sequence over which the stores differ, made as short as was possible in the time. */
export interface Failure {
  readonly number: number;
  readonly message: string;
}

/** One in so many sequences waits for leases to run out. */
export const EXPIRING_ONE_IN = 80;

const isExpiring = (number: number): boolean => number % EXPIRING_ONE_IN === 0;

/** How long a sequence that failed is shortened. */
const SHRINK_MS = 60_000;
const TRIES = 10;

/** Runs a share of a campaign in this process and stops at the first difference. */
export async function runShare(options: ShareOptions): Promise<ShareResult> {
  return new Share(options).run();
}

class Share {
  readonly #options: ShareOptions;
  readonly #coverage = new Coverage();
  readonly #progress: Progress;
  readonly #startedAt = performance.now();
  #failure: Failure | undefined;

  constructor(options: ShareOptions) {
    this.#options = options;
    this.#progress = { version: '', sequences: 0, expiring: 0, operations: 0, again: 0, skipped: 0 };
  }

  async run(): Promise<ShareResult> {
    const { numbers, lanes, waitingLanes } = this.#options;
    const all = [...numbers];
    const expiring = all.filter(isExpiring);
    const plain = all.filter((number) => !isExpiring(number));
    await Promise.all([this.#runAll(plain, lanes), this.#runAll(expiring, waitingLanes)]);
    return { ...this.#progress, coverage: this.#coverage.counts, ...(this.#failure && { failure: this.#failure }) };
  }

  async #runAll(numbers: readonly number[], lanes: number): Promise<void> {
    const left = numbers.values();
    await Promise.all(Array.from({ length: Math.min(lanes, numbers.length) }, () => this.#inLane(left)));
  }

  async #inLane(numbers: Iterator<number>): Promise<void> {
    const lane = await Lane.open(this.#options.version);
    Object.assign(this.#progress, { version: lane.version });
    try {
      for (let next = numbers.next(); !next.done && !this.#failure && !this.#late; next = numbers.next()) {
        await this.#sequence(next.value, lane);
      }
    } finally {
      await lane.close();
    }
  }

  get #late(): boolean {
    return performance.now() - this.#startedAt > (this.#options.minutesMax ?? Infinity) * 60_000;
  }

  async #sequence(number: number, lane: Lane): Promise<void> {
    const expiring = isExpiring(number);
    let skipped = false;
    let running: Promise<unknown> = Promise.resolve();
    const property = fc.asyncProperty(expiring ? expiringSequence : plainSequence, async (steps) => {
      const run = this.#runSteps(steps, lane);
      running = run.catch(() => {});
      const operations = await run;
      skipped = operations === undefined;
      this.#progress.operations += operations ?? 0;
    });
    const outcome = await fc.check(property, {
      seed: seedOf(this.#options.seed, number),
      numRuns: 1,
      interruptAfterTimeLimit: SHRINK_MS,
    });
    // A run that was interrupted still goes on, in a lane that the next sequence wants for itself.
    await running;
    // Without a counterexample it was interrupted in its only run, which waited for a machine that is too slow.
    if (outcome.failed && outcome.counterexample !== null) {
      this.#failure ??= { number, message: messageOf(outcome.errorInstance) };
      return;
    }
    if (skipped || outcome.failed) {
      this.#progress.skipped++;
      return;
    }
    this.#progress.sequences++;
    if (expiring) this.#progress.expiring++;
    this.#options.onProgress?.(this.#progress);
  }

  /** Runs them until the machine is fast enough for their leases; undefined when it is never. */
  async #runSteps(steps: readonly Step[], lane: Lane): Promise<number | undefined> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      try {
        return await new Twin(lane, this.#coverage).run(steps);
      } catch (error) {
        await lane.clean();
        if (!(error instanceof TooSlow)) throw error;
        if (attempt < TRIES) this.#progress.again++;
        else if (error instanceof NoAnswer) throw error.difference;
      }
    }
    return undefined;
  }
}

/** Seeds of neighbours must have nothing in common (the finalizer of MurmurHash3). */
function seedOf(seed: number, number: number): number {
  let mixed = (Math.imul(seed, 0x9e3779b1) + number) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function messageOf(error: unknown): string {
  if (error instanceof Difference) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
