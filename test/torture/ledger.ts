import { setTimeout as wait } from 'node:timers/promises';
import { type ErrorCode, isSetpointError } from 'setpoint';
import { keyText, type Store } from 'setpoint/store';
import { check } from './checks.ts';

/** What a failed write may end with while a server or a network is in trouble, and what each says of the write. */
const NOT_APPLIED: readonly ErrorCode[] = ['Unavailable', 'TooManyRequests', 'Aborted'];

/**
 * Puts keys of which each is written once, keeps what was answered, and holds it against the store afterwards (S1): what
 * was acknowledged is there at its revision, what was refused is not there, and nothing was written twice.
 */
export class Ledger {
  readonly acknowledged = new Map<string, bigint>();
  readonly unknown = new Map<string, string>();
  readonly refused = new Map<string, string>();
  readonly #store: Store;
  readonly #prefix: string;
  #next = 0;

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  get size(): number {
    return this.acknowledged.size + this.unknown.size + this.refused.size;
  }

  /** Writes one more key. */
  async write(timeoutMs = 2000): Promise<void> {
    const key = `${this.#prefix}${String(this.#next++).padStart(7, '0')}`;
    try {
      // Half of them are plain puts, half are creations that require the key to be absent.
      if (this.#next % 2 === 0) {
        const { revision } = await this.#store.put({ key, value: key }, { timeoutMs });
        this.acknowledged.set(key, revision);
        return;
      }
      const compares = [{ key, target: 'create', operator: '=', operand: 0n }] as const;
      const answer = await this.#store.txn({ compares, then: [{ put: { key, value: key } }] }, { timeoutMs });
      check(answer.succeeded, `S1: the creation of ${key}, which nobody else writes, found it existing`);
      this.acknowledged.set(key, answer.revision);
    } catch (error) {
      if (!isSetpointError(error)) throw error;
      if (error.code === 'OutcomeUnknown') this.unknown.set(key, error.message);
      else {
        check(NOT_APPLIED.includes(error.code), `a write failed with ${error.message}`);
        this.refused.set(key, error.message);
      }
    }
  }

  /** Writes `count` keys, so many at a time. */
  async burst(count: number, concurrency: number, timeoutMs?: number): Promise<void> {
    let left = count;
    const writer = async (): Promise<void> => {
      while (left-- > 0) await this.write(timeoutMs);
    };
    await Promise.all(Array.from({ length: concurrency }, writer));
  }

  /** Goes on writing until the returned function is called. */
  keepWriting(concurrency = 1, timeoutMs = 1000): () => Promise<void> {
    let going = true;
    const writer = async (): Promise<void> => {
      while (going) {
        const before = this.refused.size;
        await this.write(timeoutMs);
        await wait(this.refused.size > before ? 20 : 1);
      }
    };
    const writers = Promise.all(Array.from({ length: concurrency }, writer));
    return async () => {
      going = false;
      await writers;
    };
  }

  async verify(): Promise<void> {
    const { kvs } = await this.#store.range({ prefix: this.#prefix }, { timeoutMs: 15_000 });
    const stored = new Map(kvs.map((kv) => [keyText(kv.key), kv]));
    for (const [key, revision] of this.acknowledged) {
      const found = stored.get(key)?.modRevision;
      check(found === revision, `S1: ${key} was acknowledged at ${revision} and is there at ${found ?? 'no revision'}`);
    }
    for (const [key, message] of this.refused)
      check(!stored.has(key), `S1: ${key} was refused as not applied (${message}) and is there`);
    for (const { key, version } of kvs) check(version === 1n, `S1: ${keyText(key)} was written ${version} times`);
  }
}
