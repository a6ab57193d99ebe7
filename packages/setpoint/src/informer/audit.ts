import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import type { Random } from '../internal/random.ts';
import { checkOptionNames } from '../resource/index.ts';
import type { Store } from '../store/port.ts';
import { type AuditedCache, type AuditFinding, type AuditPace, auditPass } from './audit-pass.ts';

/** How often and how fast a cache is compared with the store. */
export interface AuditOptions {
  /**
   * From one comparison to the next, ± 25 %, so that many informers spread. Default 5 min: what a server lost is found
   * within that time. One that fails is made again after 10 s, 20 s and so on. For 100,000 keys of 1 KiB a comparison
   * is 50 requests and about 0.6 s of a server's core: 0.2 %.
   */
  readonly periodMs?: number;
  /**
   * Keys read per second while a comparison goes on. Default 10,000: about 6 % of a server's core, and a million keys
   * take 100 s, less than the five minutes of history that stores commonly keep.
   */
  readonly keysPerSecond?: number;
}

const PERIOD_MS = 300_000;
const PERIOD_MIN_MS = 1000;
/** After the first comparison that came to nothing; it doubles with each further one, up to the period. */
const RETRY_MS = 10_000;
const KEYS_PER_SECOND = 10_000;
/** Two thousand keys without values are some 200 KiB. Each page makes the server count what is left of the range. */
const PAGE_KEYS = 2000;

export interface AuditorOptions {
  readonly store: Pick<Store, 'range'>;
  /** Ends with '/'. */
  readonly prefix: string;
  readonly cache: AuditedCache;
  readonly pace: Required<AuditOptions>;
  readonly clock: Clock;
  readonly random: Random;
  /** Told how each whole comparison ended. Must not throw. */
  readonly onFinding: (finding: AuditFinding) => void;
  /**
   * Told of each comparison that could not be made, but for one whose revision was compacted before it was over: only
   * when the one after it, which doesn't pause, ends that way too. Must not throw.
   */
  readonly onFailure: (error: unknown) => void;
}

/** The options checked and with their defaults; undefined for `false`. Throws `Invalid`. */
export function auditPace(given: AuditOptions | boolean = true): Required<AuditOptions> | undefined {
  if (given === false) return undefined;
  if (given !== true) checkOptionNames('informer option audit', given, ['periodMs', 'keysPerSecond']);
  const { periodMs = PERIOD_MS, keysPerSecond = KEYS_PER_SECOND } = given === true ? {} : given;
  if (!(periodMs >= PERIOD_MIN_MS)) throw invalid('periodMs', `a number of at least ${PERIOD_MIN_MS}`, periodMs);
  if (!(keysPerSecond >= 1)) throw invalid('keysPerSecond', 'a number of at least 1', keysPerSecond);
  return { periodMs, keysPerSecond };
}

/**
 * Compares a cache with its store, again and again: servers have lost events, and a cache that missed one is wrong for
 * ever without showing it. It only finds; whoever made it puts the cache right.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  /** The store forgot the revision of the last comparison before that was over: the next one doesn't pause. */
  #hurried = false;
  /** How many comparisons in a row came to nothing. */
  #missed = 0;

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, pace, cache } = this.#options;
    for (;;) {
      const waitMs = this.#missed === 0 ? pace.periodMs : Math.min(pace.periodMs, RETRY_MS * 2 ** (this.#missed - 1));
      await sleep(clock, waitMs * (0.75 + random.next() / 2), signal);
      if (signal.aborted) return;
      if (cache.isFollowing()) this.#missed = (await this.#pass(signal)) ? 0 : this.#missed + 1;
    }
  }

  /** Whether the comparison was made. */
  async #pass(signal: AbortSignal): Promise<boolean> {
    const { store, prefix, cache, clock, onFinding, onFailure } = this.#options;
    try {
      const finding = await auditPass({ store, prefix, cache, clock, pace: this.#pagePace(), signal });
      this.#hurried = false;
      if (finding) onFinding(finding);
      return finding !== undefined;
    } catch (error) {
      const compacted = isSetpointError(error, 'Compacted');
      if (!signal.aborted && (!compacted || this.#hurried)) onFailure(error);
      this.#hurried = compacted;
      return false;
    }
  }

  #pagePace(): AuditPace {
    const { keysPerSecond } = this.#options.pace;
    return {
      pageKeys: Math.min(PAGE_KEYS, Math.ceil(keysPerSecond)),
      keysPerSecond: this.#hurried ? Infinity : keysPerSecond,
    };
  }
}

function invalid(option: string, expected: string, received: unknown): SetpointError {
  return new SetpointError(
    'Invalid',
    `informer option audit.${option}: expected ${expected}, received ${String(received)}`,
  );
}
