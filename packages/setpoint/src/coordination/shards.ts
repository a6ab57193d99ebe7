import { isSetpointError, SetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import type { Revision, Store } from '../store/index.ts';
import { checkCoordinationName, checkCoordinationPrefix, DEFAULT_COORDINATION_PREFIX } from './coordination-name.ts';
import { openSession, type Session } from './session.ts';
import { slotOfKey } from './shard-map.ts';
import type { ShardSlot, ShardStay } from './shard-slot.ts';
import { ShardTerm } from './shard-term.ts';

export interface ShardingOptions {
  /** Replicas of one name share the keys. */
  readonly name: string;
  /** Into how many parts the keys are divided: more than there will ever be replicas. Default 64, at most 1,024. */
  readonly slots?: number;
  readonly prefix?: string;
  /** A replica that comes back under its name gets about the slots that it had. Default: host, process id, random. */
  readonly identity?: string;
  /** How long the slots of a replica that is not heard of stay its own. Whole seconds. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** How long the work in a slot that is to be handed over may take to end. Default 10 s. */
  readonly drainTimeoutMs?: number;
}

export interface ShardsOptions extends ShardingOptions {
  readonly store: Store;
  /**
   * Called with slots that were just acquired. They let work in when it resolves: by then, caches must show everything
   * up to `revision`. Whatever belongs to these slots must be looked at after that.
   */
  readonly onAcquired?: (slots: ReadonlySet<number>, revision: Revision, signal: AbortSignal) => Promise<void>;
  /** Called when acquired slots let work in. */
  readonly onOpen?: (slots: ReadonlySet<number>) => void;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

export const SLOTS_MAX = 1024;

/**
 * One replica's part of a set that shares keys. Keys map to slots, and a slot is a lock: who holds it works on its keys,
 * with writes that carry the lock. Who ought to have which slot, every replica computes for itself from the roll of those
 * that are alive; a slot that ought to be another's is drained and released, and the other one takes it. When that one
 * does not come, because it is dead and still on the roll, the slot is taken by one that lives.
 *
 * Guarantees: of two replicas that think they own a slot the writes of one are carried out; a released slot has no work
 * of its former owner left in it, unless that outlasted the drain. A replica that loses its session loses its slots, and
 * joins again with a new one. Runnable, once.
 */
export class Shards {
  readonly name: string;
  readonly slots: number;
  readonly #options: ShardsOptions;
  readonly #prefix: string;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  #term: ShardTerm | undefined;
  #started = false;

  /** Throws `Invalid` for a name that is no key and numbers that can't be. */
  constructor(options: ShardsOptions) {
    const { slots = 64, prefix = DEFAULT_COORDINATION_PREFIX, leaseDurationMs = 15_000 } = options;
    this.#root = checkCoordinationPrefix('sharding', prefix);
    this.#prefix = `${this.#root}/shards/${checkCoordinationName('sharding', options.name)}/`;
    if (!Number.isInteger(slots) || slots < 1 || slots > SLOTS_MAX)
      throw new SetpointError('Invalid', `sharding: slots must be a whole number from 1 to ${SLOTS_MAX}; got ${slots}`);
    if (!Number.isInteger(leaseDurationMs / 1000) || leaseDurationMs <= 0)
      throw new SetpointError('Invalid', `sharding: leaseDurationMs must be whole seconds; got ${leaseDurationMs}`);
    this.name = `shards ${options.name}`;
    this.slots = slots;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = steadyLogger(options.logger).child({ shards: options.name });
  }

  /** The slots that this replica owns now, in order. */
  get owned(): readonly number[] {
    return this.#held().map(({ number }) => number);
  }

  slotOf(key: string): number {
    return slotOfKey(key, this.slots);
  }

  /** Whether work on a key may begin here now. */
  owns(key: string): boolean {
    return this.#term?.slot(this.slotOf(key))?.admits ?? false;
  }

  /** Begins work on a key; undefined when it is not this replica's to work on. The stay has to be left in the end. */
  enter(key: string): ShardStay | undefined {
    return this.#term?.slot(this.slotOf(key))?.enter();
  }

  /** For the manager's readiness: throws while this replica is not on the roll. */
  health(): void {
    if (!this.#term?.session.alive)
      throw new SetpointError('SessionExpired', `${this.name}: joining the other replicas`);
  }

  debug(): Readonly<Record<string, unknown>> {
    return { leases: { shards: this.#options.name, slots: this.slots, owned: this.owned } };
  }

  /** Takes part until `signal` aborts, then hands everything over. Rejects with what makes taking part impossible. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new SetpointError('Invalid', `${this.name} was started before; make a new one`);
    this.#started = true;
    const backoff = new Backoff({ baseMs: 100, maxMs: 2000 }, this.#random);
    while (!signal.aborted) {
      try {
        const session = await this.#open();
        await this.#serve(session, signal, () => backoff.reset());
      } catch (error) {
        if (signal.aborted) return; // whatever it was, it is over
        if (!isSetpointError(error) || !(error.retryable || REJOIN.has(error.code))) throw error;
        this.#logger.warn({ err: error }, 'joins again');
        await sleep(this.#clock, backoff.next(), signal);
      }
    }
  }

  async #serve(session: Session, signal: AbortSignal, joined: () => void): Promise<void> {
    const { drainTimeoutMs = DRAIN_TIMEOUT_MS, onAcquired, onOpen } = this.#options;
    const link = linkedAbort(signal, session.signal);
    const term = new ShardTerm({
      session,
      root: this.#root,
      prefix: this.#prefix,
      slots: this.slots,
      drainTimeoutMs,
      ...(onAcquired && { onAcquired }),
      ...(onOpen && { onOpen }),
    });
    this.#term = term;
    try {
      await term.run(link.signal, joined);
      if (!signal.aborted) session.assertAlive();
    } finally {
      link.abort(undefined);
      link.unlink();
      await term.end();
      await session.close();
    }
  }

  #open(): Promise<Session> {
    const { store, identity, leaseDurationMs = 15_000 } = this.#options;
    const common = { store, clock: this.#clock, random: this.#random, logger: this.#logger };
    return openSession({
      ...common,
      ttlSeconds: leaseDurationMs / 1000,
      ...(identity === undefined ? {} : { identity }),
    });
  }

  #held(): readonly ShardSlot[] {
    return this.#term?.held() ?? [];
  }
}

const DRAIN_TIMEOUT_MS = 10_000;
/** After these a new session starts over: nothing of the old one is left. */
const REJOIN = new Set(['SessionExpired', 'LeaseNotFound', 'OutcomeUnknown', 'HistoryReset', 'LockLost']);
