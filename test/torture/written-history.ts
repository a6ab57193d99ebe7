import { type Operation, keyText, type Store } from 'setpoint/store';

/** What one writer wrote below one prefix, revision by revision: the truth that a reader is held against. */
export class WrittenHistory {
  readonly prefix: string;
  readonly #store: Store;
  /** What each revision did to which keys; undefined for a deletion. In order. */
  readonly #revisions: { readonly revision: bigint; readonly changes: ReadonlyMap<string, string | undefined> }[] = [];

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.prefix = prefix;
  }

  /** Puts and deletes these keys (names below the prefix) in one transaction. */
  async write(changes: Readonly<Record<string, string | undefined>>): Promise<bigint> {
    const entries = Object.entries(changes);
    const then = entries.map(([name, value]): Operation => {
      const key = this.prefix + name;
      return value === undefined ? { delete: { key } } : { put: { key, value } };
    });
    const { revision, responses } = await this.#store.txn({ then }, { timeoutMs: 15_000, alone: true });
    const done = entries.filter((_, at) => {
      const response = responses[at]!;
      return !('delete' in response) || response.delete.deleted > 0n;
    });
    if (done.length > 0) this.#revisions.push({ revision, changes: new Map(done) });
    return revision;
  }

  /** Every change of `from` < revision ≤ `to`. */
  *changes(from: bigint, to: bigint): Generator<{ readonly revision: bigint; readonly name: string }> {
    for (const { revision, changes } of this.#revisions) {
      if (revision <= from || revision > to) continue;
      for (const name of changes.keys()) yield { revision, name };
    }
  }

  /** What was there at a revision. */
  at(revision: bigint): Map<string, string> {
    const state = new Map<string, string>();
    for (const each of this.#revisions) {
      if (each.revision > revision) break;
      for (const [name, value] of each.changes) {
        if (value === undefined) state.delete(name);
        else state.set(name, value);
      }
    }
    return state;
  }

  /** Whether what was written is what the store says. */
  async isWhole(): Promise<boolean> {
    const { kvs, revision } = await this.#store.range({ prefix: this.prefix }, { timeoutMs: 15_000 });
    const state = this.at(revision);
    return kvs.length === state.size && kvs.every((kv) => state.get(this.#name(kv.key)) === keyText(kv.value));
  }

  #name(key: Uint8Array): string {
    return keyText(key).slice(this.prefix.length);
  }
}
