import { SetpointError } from '../../errors/index.ts';
import type { Clock, Timer } from '../../internal/clock.ts';
import { IndexedHeap } from '../../internal/indexed-heap.ts';
import type { Random } from '../../internal/random.ts';
import type { LeaseTimeToLiveResponse } from '../port.ts';
import type { ByteText } from './byte-text.ts';

interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  readonly keys: Set<ByteText>;
}

export interface LeaseTableOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly minTtlSeconds: number;
  /** Called with the id of a lease whose time is up; must take it out by {@link LeaseTable.remove}. */
  readonly onExpired: (id: bigint) => void;
}

/**
 * The leases and which keys hang on them. One timer waits for the earliest expiry. {@link expire} also runs before
 * every call, so that a lease is over by the clock even where a blocked event loop has held the timer up.
 */
export class LeaseTable {
  readonly #options: LeaseTableOptions;
  readonly #leases = new Map<bigint, Lease>();
  readonly #expiries = new IndexedHeap<bigint>();
  #timer: Timer | undefined;
  /** When `#timer` fires. It may be earlier than needed: a renewal leaves it alone. */
  #timerAt = Infinity;

  constructor(options: LeaseTableOptions) {
    this.#options = options;
  }

  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  /** All ids, the next to expire first. */
  ids(): bigint[] {
    const at = (id: bigint): number => this.#expiries.at(id) ?? Infinity;
    return [...this.#leases.keys()].sort((a, b) => at(a) - at(b));
  }

  /** Throws `LeaseExists`. The TTL is raised to the store's minimum. */
  grant(ttlSeconds: number, id: bigint = this.#freeId()): Lease {
    if (this.#leases.has(id)) throw new SetpointError('LeaseExists', `lease ${id}: there is one by that id already`);
    const lease = { id, ttlSeconds: Math.max(ttlSeconds, this.#options.minTtlSeconds), keys: new Set<ByteText>() };
    this.#leases.set(id, lease);
    this.#schedule(lease);
    return lease;
  }

  /** Starts the lease's time anew. Throws `LeaseNotFound`. */
  renew(id: bigint): Lease {
    const lease = this.get(id);
    this.#expiries.delete(id);
    this.#schedule(lease);
    return lease;
  }

  get(id: bigint): Lease {
    const lease = this.#leases.get(id);
    if (!lease) throw leaseNotFound(id);
    return lease;
  }

  timeToLive(id: bigint, withKeys: boolean): LeaseTimeToLiveResponse {
    const lease = this.get(id);
    const leftMs = this.#expiries.at(id)! - this.#options.clock.now();
    const keys = withKeys ? [...lease.keys].sort().map((key) => new Uint8Array(Buffer.from(key, 'latin1'))) : [];
    return { id, ttlSeconds: Math.floor(leftMs / 1000), grantedTtlSeconds: lease.ttlSeconds, keys };
  }

  /** Takes a lease out and gives its keys in their order. */
  remove(id: bigint): ByteText[] {
    const lease = this.get(id);
    this.#leases.delete(id);
    this.#expiries.delete(id);
    if (this.#leases.size === 0) this.#disarm();
    return [...lease.keys].sort();
  }

  attach(key: ByteText, from: bigint, to: bigint): void {
    if (from === to) return;
    this.#leases.get(from)?.keys.delete(key);
    this.#leases.get(to)?.keys.add(key);
  }

  /** Ends the leases whose time is up, the earliest first. */
  expire(): void {
    const now = this.#options.clock.now();
    for (let next = this.#expiries.peek(); next && next.at <= now; next = this.#expiries.peek()) {
      this.#options.onExpired(next.key);
    }
    if (this.#timerAt <= now) this.#arm();
  }

  close(): void {
    this.#disarm();
    this.#leases.clear();
    this.#expiries.clear();
  }

  #schedule(lease: Lease): void {
    this.#expiries.setEarlier(lease.id, this.#options.clock.now() + lease.ttlSeconds * 1000);
    if (this.#expiries.peek()!.at < this.#timerAt) this.#arm();
  }

  #arm(): void {
    this.#disarm();
    const next = this.#expiries.peek();
    if (!next) return;
    this.#timerAt = next.at;
    this.#timer = this.#options.clock.setTimer(() => this.#fire(), next.at - this.#options.clock.now());
  }

  /** Timers may fire a fraction of a millisecond early; then nothing is over yet and the wait goes on. */
  #fire(): void {
    this.#timerAt = -Infinity;
    this.expire();
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  /** A positive 63-bit id that is not in use. */
  #freeId(): bigint {
    for (;;) {
      const high = BigInt(Math.floor(this.#options.random.next() * 2 ** 31));
      const id = (high << 32n) | BigInt(Math.floor(this.#options.random.next() * 2 ** 32));
      if (id !== 0n && !this.#leases.has(id)) return id;
    }
  }
}

export function leaseNotFound(id: bigint): SetpointError {
  return new SetpointError('LeaseNotFound', `lease ${id}: it has expired, was revoked or never was; grant a new one`);
}
