import { isSetpointError } from '../errors/index.ts';
import { keyText, type KeyValue, type Revision, type Store } from '../store/index.ts';
import { type Entry, entryOf } from './line.ts';

/** What the replicas of one set know of each other: everything below its prefix, as a watch has it. */
export class ShardView {
  readonly #prefix: string;
  readonly #members = new Map<string, Entry>();
  #present = new Set<string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get members(): readonly Entry[] {
    return [...this.#members.values()];
  }

  /** Whether a key was there when the store was last heard of. */
  has(key: string): boolean {
    return this.#present.has(key);
  }

  /**
   * Follows the store until `signal` aborts, and calls `onChange` after each step, with the revision that it brought the
   * view to. Throws when the watch can't go on.
   */
  async follow(store: Store, signal: AbortSignal, onChange: (revision: Revision) => void): Promise<void> {
    while (!signal.aborted) {
      const { kvs, revision } = await store.range({ prefix: this.#prefix }, { signal });
      this.#members.clear();
      this.#present.clear();
      for (const kv of kvs) this.#put(kv);
      onChange(revision);
      try {
        for await (const batch of store.watch({ prefix: this.#prefix, startRevision: revision + 1n }, { signal })) {
          for (const { type, kv } of batch.events) {
            if (type === 'put') this.#put(kv);
            else this.#delete(textOf(kv.key));
          }
          if (batch.events.length > 0) onChange(batch.revision);
        }
      } catch (error) {
        if (!isSetpointError(error, 'Compacted')) throw error;
      }
    }
  }

  #put(kv: KeyValue): void {
    this.#present.add(textOf(kv.key));
    const member = entryOf(kv, `${this.#prefix}members/`);
    if (member) this.#members.set(member.key, member);
  }

  #delete(key: string): void {
    this.#present.delete(key);
    this.#members.delete(key);
  }
}

function textOf(key: Uint8Array): string {
  try {
    return keyText(key);
  } catch {
    return '';
  }
}
