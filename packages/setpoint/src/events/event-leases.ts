import type { Clock } from '../internal/clock.ts';
import type { CallOptions, Store } from '../store/index.ts';

/** Kubernetes' own limits. */
const KEYS_PER_LEASE_MAX = 1000;
const REUSE_MAX_MS = 60_000;
const REUSE_SHARE = 0.05;

/**
 * Leases for objects that live for a time. Objects of about the same age share one: of 5 % of their time, a minute at
 * most. It lasts that much longer, so that no object goes before its time; none is kept alive.
 */
export class EventLeases {
  readonly #store: Pick<Store, 'leaseGrant'>;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  #lease: { readonly id: bigint; readonly grantedAt: number; keys: number } | undefined;

  constructor(store: Pick<Store, 'leaseGrant'>, clock: Clock, ttlMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** The lease for one more object. */
  async next(options: CallOptions): Promise<bigint> {
    const reuseMs = Math.min(REUSE_MAX_MS, this.#ttlMs * REUSE_SHARE);
    const shared = this.#lease;
    if (shared && shared.keys < KEYS_PER_LEASE_MAX && this.#clock.now() - shared.grantedAt < reuseMs) {
      shared.keys++;
      return shared.id;
    }
    // Counted from before the question: the server's time starts after that.
    const grantedAt = this.#clock.now();
    const ttlSeconds = Math.ceil((this.#ttlMs + reuseMs) / 1000);
    const { id } = await this.#store.leaseGrant({ ttlSeconds }, options);
    this.#lease = { id, grantedAt, keys: 1 };
    return id;
  }

  /** The lease is gone: the next object gets another one. */
  forget(): void {
    this.#lease = undefined;
  }
}
