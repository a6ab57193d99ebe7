import { setTimeout as wait } from 'node:timers/promises';
import type { Store } from 'setpoint/store';
import type { FakeClock } from 'setpoint/testing';
import type { Watched } from '../../harness/watched.ts';
import { patiently } from './twin-watch.ts';

/** What etcd grants at least with its default election timeout. */
const GRANTED_MS = 2000;
/** A lease this old may run out while a call is on its way. */
const SAFE_AGE_MS = 1700;
const LOOK_AGAIN_MS = 100;
const RENEW_EVERY_MS = 400;

/** The leases of a sequence that run out in real time. */
export class ShortLeases {
  readonly #memory: Store;
  readonly #real: Store;
  readonly #clock: FakeClock;
  /** When each was last granted or renewed, by the machine's clock. */
  readonly #since = new Map<bigint, number>();

  constructor(memory: Store, real: Store, clock: FakeClock) {
    this.#memory = memory;
    this.#real = real;
    this.#clock = clock;
  }

  begins(id: bigint, at: number): void {
    this.#since.set(id, at);
  }

  renewed(id: bigint, at: number): void {
    if (this.#since.has(id)) this.#since.set(id, at);
  }

  ends(id: bigint): void {
    this.#since.delete(id);
  }

  /** Whether a lease may have run out that nobody has waited for: then the stores can't be compared any more. */
  get late(): boolean {
    const now = performance.now();
    return [...this.#since.values()].some((since) => now - since > SAFE_AGE_MS);
  }

  /**
   * Lets all short leases but `renew` run out on both stores. Which of several goes first is up to etcd, so the model
   * is told by renewing them in that order on its own clock. That each goes in one revision of its own, with its keys in
   * order, is what the events show. Returns what there was to see.
   */
  async expire(renew: readonly bigint[], everything: Watched): Promise<string[]> {
    const doomed = [...this.#since.keys()].filter((id) => !renew.includes(id));
    const kept = [...this.#since.keys()].filter((id) => renew.includes(id));
    const owners = new Map<string, bigint>();
    for (const id of doomed) for (const key of await this.#keysOf(id)) owners.set(key, id);
    const seen = everything.events.length;
    await this.#expireReal(doomed, kept);
    await patiently(everything.until(() => everything.events.length >= seen + owners.size)).catch(() => undefined);
    const order = everything.events.slice(seen).map(({ kv }) => owners.get(hex(kv.key)) ?? 0n);
    await this.#expireModel(
      [...new Set([...order, ...doomed])].filter((id) => doomed.includes(id)),
      kept,
    );
    for (const id of doomed) this.#since.delete(id);
    const withKeys = new Set(owners.values()).size;
    return [
      ...(withKeys > 0 ? ['of a lease with keys'] : []),
      ...(withKeys < doomed.length ? ['of a lease without keys'] : []),
      ...(doomed.length > 1 ? ['of several leases'] : []),
      ...(kept.length > 0 ? ['put off by a renewal'] : []),
    ];
  }

  async #keysOf(id: bigint): Promise<string[]> {
    return (await this.#memory.leaseTimeToLive(id, { keys: true })).keys.map(hex);
  }

  async #expireReal(doomed: readonly bigint[], kept: readonly bigint[]): Promise<void> {
    let renewedAt = -Infinity;
    for (;;) {
      const now = performance.now();
      if (now - renewedAt >= RENEW_EVERY_MS) {
        for (const id of kept) await this.#real.leaseKeepAlive(id);
        for (const id of kept) this.renewed(id, now);
        renewedAt = now;
      }
      const living = await this.#real.leases();
      if (!doomed.some((id) => living.includes(id))) return;
      await wait(LOOK_AGAIN_MS);
    }
  }

  async #expireModel(order: readonly bigint[], kept: readonly bigint[]): Promise<void> {
    for (const id of order) {
      await this.#memory.leaseKeepAlive(id);
      await this.#clock.advance(1);
    }
    for (let passed = 0; passed < GRANTED_MS; passed += RENEW_EVERY_MS) {
      for (const id of kept) await this.#memory.leaseKeepAlive(id);
      await this.#clock.advance(RENEW_EVERY_MS);
    }
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
