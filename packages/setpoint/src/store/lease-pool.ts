import { SetpointError } from '../errors/index.ts';
import { abortable } from '../internal/abortable.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { MAX_LEASE_TTL_SECONDS } from './limits.ts';
import type { CallOptions, Store } from './port.ts';

export interface LeasePoolOptions {
  /** How long after its grant a lease takes further keys, at most. Default 60 s, as Kubernetes. */
  readonly reuseMs?: number;
  /** How much longer than asked keys may live for that, as a share of their TTL. Default 0.05, as Kubernetes. */
  readonly reuseShare?: number;
  /** How many keys one lease takes: it deletes all of them in one revision. Default 1,000, as Kubernetes. */
  readonly keysMax?: number;
  readonly clock?: Clock;
}

interface Pooled {
  readonly id: Promise<bigint>;
  readonly takesUntil: number;
  keys: number;
}

/**
 * Leases for keys that shall go by themselves after a time, shared by keys of about one age: a lease of its own for each
 * of a hundred thousand keys would be a burden to the store. A key never goes before its TTL has passed since it was
 * asked for here, and at most `reuseMs`, or that share of its TTL, later (and the store's own second or two).
 *
 * ```ts
 * const leases = leasePool(store);
 * await store.put({ key: '/events/1', value, lease: await leases.take(3600) });
 * ```
 *
 * Write the key soon: its time counts from the call. A put that fails with `LeaseNotFound` (somebody revoked the lease)
 * is to be made again after {@link LeasePool.forget}.
 */
export function leasePool(store: Pick<Store, 'leaseGrant'>, options: LeasePoolOptions = {}): LeasePool {
  return new LeasePool(store, options);
}

export class LeasePool {
  readonly #store: Pick<Store, 'leaseGrant'>;
  readonly #clock: Clock;
  readonly #reuseMs: number;
  readonly #reuseShare: number;
  readonly #keysMax: number;
  /** The lease that takes keys now, for each TTL asked for. */
  readonly #current = new Map<number, Pooled>();

  constructor(store: Pick<Store, 'leaseGrant'>, options: LeasePoolOptions) {
    const { reuseMs = 60_000, reuseShare = 0.05, keysMax = 1000, clock = systemClock } = options;
    if (!(reuseMs >= 0) || !(reuseShare >= 0 && reuseShare <= 1) || !(Number.isInteger(keysMax) && keysMax >= 1)) {
      throw new SetpointError(
        'Invalid',
        `leasePool: reuseMs must be at least 0, reuseShare from 0 to 1, keysMax a whole number above 0; ` +
          `got ${reuseMs}, ${reuseShare}, ${keysMax}`,
      );
    }
    this.#store = store;
    this.#clock = clock;
    this.#reuseMs = reuseMs;
    this.#reuseShare = reuseShare;
    this.#keysMax = keysMax;
  }

  /**
   * A lease for one key that is to live for at least so many seconds from now. Fails as `leaseGrant` does, and with
   * `Aborted` when its caller gives up: a grant that is under way goes on, since others may wait for it.
   */
  async take(ttlSeconds: number, { signal }: Pick<CallOptions, 'signal'> = {}): Promise<bigint> {
    if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_LEASE_TTL_SECONDS / 2) {
      const most = Math.floor(MAX_LEASE_TTL_SECONDS / 2);
      throw new SetpointError(
        'Invalid',
        `leasePool: ttlSeconds must be a whole number from 1 to ${most}; got ${ttlSeconds}`,
      );
    }
    if (signal?.aborted) throw givenUp(signal);
    const now = this.#clock.now();
    const current = this.#current.get(ttlSeconds);
    const pooled =
      current && now < current.takesUntil && current.keys < this.#keysMax ? current : this.#grant(ttlSeconds);
    pooled.keys++;
    if (!signal) return pooled.id;
    return abortable(pooled.id, signal).catch((error: unknown) => {
      throw signal.aborted ? givenUp(signal) : error;
    });
  }

  /** Takes no further keys with this lease: it is gone. */
  forget(id: bigint): void {
    for (const [ttlSeconds, { id: pooled }] of this.#current) {
      const drop = (each: bigint): void => {
        if (each === id && this.#current.get(ttlSeconds)?.id === pooled) this.#current.delete(ttlSeconds);
      };
      // A grant that failed is not kept anyway, and those who wait for it are told.
      pooled.then(drop, () => {});
    }
  }

  /** The lease lives for as much longer as it takes keys. Its time counts at the earliest from the call. */
  #grant(ttlSeconds: number): Pooled {
    const windowMs = Math.min(this.#reuseMs, ttlSeconds * 1000 * this.#reuseShare);
    const longer = Math.ceil(windowMs / 1000);
    const id = this.#store.leaseGrant({ ttlSeconds: ttlSeconds + longer }).then((granted) => granted.id);
    const pooled = { id, takesUntil: this.#clock.now() + windowMs, keys: 0 };
    this.#current.set(ttlSeconds, pooled);
    id.catch(() => {
      if (this.#current.get(ttlSeconds) === pooled) this.#current.delete(ttlSeconds);
    });
    return pooled;
  }
}

function givenUp(signal: AbortSignal): SetpointError {
  return new SetpointError('Aborted', 'leasePool: its caller gave up before there was a lease', {
    cause: signal.reason,
  });
}
