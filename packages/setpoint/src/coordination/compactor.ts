import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { MAX_LEASE_TTL_SECONDS, type RangeResponse, type Revision, type Store } from '../store/index.ts';
import { checkCoordinationPrefix, DEFAULT_COORDINATION_PREFIX } from './coordination-name.ts';

export interface CompactorOptions {
  readonly store: Store;
  /** How much history is kept at least, and how often it is cut. Default 5 min, as Kubernetes. */
  readonly intervalMs?: number;
  /** Where the turns are counted: `<prefix>/compaction`. One for all that share a store. Default `/setpoint`. */
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

const INTERVAL_MS = 300_000;

/** A turn of compaction, as the store tells it: how many there were, and the store's revision at the last. */
interface Turn {
  readonly version: bigint;
  readonly revision: Revision;
}

/**
 * Cuts the store's history, on behalf of any number of processes that each run one of these: of all of them exactly one
 * compacts in each interval, because a turn is taken by a transaction on the version of a shared key. It compacts to the
 * revision that the store had one interval before, never to the present, and not at all in its first round: history goes
 * back at least one interval, and up to two after the one who compacted was gone.
 *
 * It takes the place of etcd's own `--auto-compaction`, where whoever runs etcd has not set that. Runnable, once.
 */
export class Compactor {
  readonly name = 'compactor';
  readonly #store: Store;
  readonly #key: string;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;

  /** Throws `Invalid` for an interval that is none. */
  constructor(options: CompactorOptions) {
    const { store, intervalMs = INTERVAL_MS, prefix = DEFAULT_COORDINATION_PREFIX } = options;
    if (!(intervalMs >= 1000 && intervalMs <= MAX_LEASE_TTL_SECONDS * 1000)) {
      throw new SetpointError('Invalid', `a compactor's intervalMs must be at least 1000; got ${intervalMs}`);
    }
    this.#store = store;
    this.#key = `${checkCoordinationPrefix('compactor', prefix)}/compaction`;
    this.#intervalMs = intervalMs;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = steadyLogger(options.logger);
  }

  /** Works until `signal` aborts. A store that does not answer is asked again; nothing of this ends it. */
  async run(signal: AbortSignal): Promise<void> {
    let seen: Turn | undefined;
    for (;;) {
      // Those that started together would all ask at one moment, for one to get it.
      const jitterMs = seen ? 0 : this.#random.next() * Math.min(1000, this.#intervalMs / 10);
      await sleep(this.#clock, (seen ? this.#intervalMs : 0) + jitterMs, signal);
      if (signal.aborted) return;
      try {
        seen = await this.#turn(seen, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#logger.warn({ err: error }, 'no compaction this time');
        await sleep(this.#clock, Math.min(this.#intervalMs, 10_000), signal);
      }
    }
  }

  /** Takes the turn if nobody else has since `seen`; what it then compacts to is what `seen` was. */
  async #turn(seen: Turn | undefined, signal: AbortSignal): Promise<Turn> {
    const compare = { key: this.#key, target: 'version', operator: '=', operand: seen?.version ?? 0n } as const;
    const answer = await this.#store.txn(
      {
        compares: [compare],
        then: [{ put: { key: this.#key, value: String(seen?.revision ?? 0n) } }],
        else: [{ range: { key: this.#key } }],
      },
      { signal, alone: true },
    );
    if (!answer.succeeded) {
      const { range } = answer.responses[0] as { range: RangeResponse };
      return { version: range.kvs[0]?.version ?? 0n, revision: answer.revision };
    }
    if (seen) await this.#compact(seen.revision, signal);
    return { version: (seen?.version ?? 0n) + 1n, revision: answer.revision };
  }

  async #compact(revision: Revision, signal: AbortSignal): Promise<void> {
    try {
      await this.#store.compact(revision, { signal });
      this.#logger.info({ revision: String(revision) }, 'compacted');
    } catch (error) {
      if (!isSetpointError(error, 'Compacted')) throw error; // somebody else was faster: an operator, etcd itself
    }
  }
}
