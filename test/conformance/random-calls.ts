import type { Random } from 'setpoint/testing';
import type {
  Compare,
  DeleteRequest,
  KeySelector,
  Operation,
  RangeRequest,
  Revision,
  TxnRequest,
} from 'setpoint/store';

/** One call of the store as data, so that two stores can be asked the same. */
export type Call =
  | Operation
  | { readonly compact: Revision }
  | { readonly grant: { readonly ttlSeconds: number; readonly id: bigint } }
  | { readonly revoke: bigint }
  | { readonly keysOf: bigint };

/** What the generator knows of the store, so that it asks for revisions and leases that are there, or nearly. */
export interface World {
  readonly base: Revision;
  readonly now: Revision;
  readonly leases: readonly bigint[];
}

// Few keys, so that calls meet; with each other's prefixes and bytes at both ends of the order.
const KEYS = ['a', 'a\0', 'aa', 'ab', 'b', 'b/c', '\u00ff', 'c'];
const VALUES = ['', 'x', 'y', 'yy'];

/** Makes random calls over a few keys from a seed. The same seed and worlds give the same calls. */
export class RandomCalls {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  next(world: World): Call {
    const roll = this.#random.next();
    if (roll < 0.3) return { put: this.#put(world) };
    if (roll < 0.42) return { delete: this.#delete() };
    if (roll < 0.62) return { range: this.#range(world) };
    if (roll < 0.9) return { txn: this.#txn(world, 2) };
    if (roll < 0.93) return { compact: this.#revision(world) };
    if (roll < 0.96) return { grant: { ttlSeconds: 1000, id: this.#lease(world) } };
    return roll < 0.98 ? { revoke: this.#lease(world) } : { keysOf: this.#lease(world) };
  }

  selector(): KeySelector {
    const key = this.#pick(KEYS);
    return this.#pick<KeySelector>([
      { key },
      { key },
      { key, end: this.#pick(KEYS) },
      { key, end: '\0' },
      { prefix: key },
      { fromKey: key },
      { fromKey: '\0' },
    ]);
  }

  /** A range that has no end. */
  openRange(): KeySelector {
    return { fromKey: this.#pick(['\0', ...KEYS]) };
  }

  #put(world: World): Extract<Operation, { put: unknown }>['put'] {
    const lease = this.#chance(0.3) ? { lease: this.#lease(world) } : {};
    return { key: this.#pick(KEYS), value: this.#pick(VALUES), prevKv: this.#chance(0.5), ...lease };
  }

  #delete(): DeleteRequest {
    return { ...this.selector(), prevKv: this.#chance(0.5) };
  }

  #range(world: World): RangeRequest {
    const by = this.#pick(['key', 'create', 'mod', 'version', 'value'] as const);
    const some = <T extends object>(probability: number, fields: T): T | object =>
      this.#chance(probability) ? fields : {};
    return {
      ...this.selector(),
      ...some(0.4, { limit: this.#below(5) }),
      ...some(0.4, { sort: { by, order: this.#pick(['ascend', 'descend'] as const) } }),
      ...some(0.2, { keysOnly: true }),
      ...some(0.15, { countOnly: true }),
      ...some(0.4, { revision: this.#revision(world) }),
      ...some(0.1, { minModRevision: this.#revision(world) }),
      ...some(0.1, { maxModRevision: this.#revision(world) }),
      ...some(0.1, { minCreateRevision: this.#revision(world) }),
      ...some(0.1, { maxCreateRevision: this.#revision(world) }),
    };
  }

  #txn(world: World, depth: number): TxnRequest {
    const operations = (): Operation[] => Array.from({ length: this.#below(4) }, () => this.#operation(world, depth));
    const compares = Array.from({ length: this.#below(3) }, () => this.#compare(world));
    return { compares, then: operations(), else: operations() };
  }

  #operation(world: World, depth: number): Operation {
    const roll = this.#random.next();
    if (roll < 0.4) return { put: this.#put(world) };
    if (roll < 0.55) return { delete: this.#delete() };
    if (roll < 0.75 || depth === 0) return { range: this.#range(world) };
    return { txn: this.#txn(world, depth - 1) };
  }

  #compare(world: World): Compare {
    const target = this.#pick(['version', 'create', 'mod', 'lease', 'value'] as const);
    const operator = this.#pick(['=', '!=', '>', '<'] as const);
    const selector = this.selector();
    if (target === 'value') return { ...selector, target, operator, operand: this.#pick(VALUES) };
    const operands = { version: BigInt(this.#below(4)), lease: this.#lease(world) };
    const operand = target === 'version' || target === 'lease' ? operands[target] : this.#revision(world);
    return { ...selector, target, operator, operand: this.#chance(0.2) ? 0n : operand };
  }

  /** From the base to one past the present, mostly near the present. */
  #revision({ base, now }: World): Revision {
    const span = Number(now - base) + 2;
    return now + 1n - BigInt(Math.floor(this.#random.next() ** 2 * span));
  }

  /** Mostly one that exists. */
  #lease({ leases, base }: World): bigint {
    return leases.length > 0 && this.#chance(0.8) ? this.#pick(leases) : base * 10n + BigInt(1 + this.#below(4));
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)]!;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }
}
