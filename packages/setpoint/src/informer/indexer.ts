import { SetpointError } from '../errors/index.ts';
import type { Entry, Lister } from './lister.ts';
import { type IndexErrorListener, type IndexFunction, ValueIndex } from './value-index.ts';

export interface IndexerOptions<T> {
  /** Index functions by the index's name. More can be added at any time. */
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Told of each failure of an index function. Must not throw. Default: nobody. */
  readonly onIndexError?: IndexErrorListener;
}

/**
 * The cache: entries by key, and the indexes over them. Its writer is one informer; readers get it as a
 * {@link Lister}. All methods are synchronous, so a reader never sees an entry without its index values.
 */
export class Indexer<T> implements Lister<T> {
  #entries = new Map<string, Entry<T>>();
  #indexes = new Map<string, ValueIndex<T>>();
  readonly #onIndexError: IndexErrorListener;

  constructor(options: IndexerOptions<T> = {}) {
    this.#onIndexError = options.onIndexError ?? (() => {});
    for (const [name, values] of Object.entries(options.indexes ?? {})) this.addIndex(name, values);
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.object;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  list(): readonly T[] {
    return Array.from(this.#entries.values(), (entry) => entry.object);
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  get size(): number {
    return this.#entries.size;
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (!found) {
      const known = [...this.#indexes.keys()].join(', ') || 'none';
      throw new SetpointError('Invalid', `index "${index}": expected one of the indexes that were added (${known})`);
    }
    return Array.from(found.keysOf(value), (key) => this.#entries.get(key)!.object);
  }

  entry(key: string): Entry<T> | undefined {
    return this.#entries.get(key);
  }

  /** Every entry, in the order of `list`. Live: don't hold it across an `await`. */
  entries(): Iterable<Entry<T>> {
    return this.#entries.values();
  }

  /** Puts the entry in place of what was under its key. */
  set(entry: Entry<T>): void {
    this.#entries.set(entry.key, entry);
    for (const index of this.#indexes.values()) index.put(entry);
  }

  /** Takes the entry out and returns it; undefined when there was none. */
  delete(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    for (const index of this.#indexes.values()) index.remove(key);
    return entry;
  }

  /** Adds an index; what is cached is filed before it returns. Throws `AlreadyExists` when the name is taken. */
  addIndex(name: string, values: IndexFunction<T>): void {
    if (typeof values !== 'function') {
      throw new SetpointError('Invalid', `index "${name}": expected a function, received ${typeof values}`);
    }
    if (this.#indexes.has(name)) {
      throw new SetpointError('AlreadyExists', `index "${name}" was added before: choose another name`);
    }
    this.#indexes.set(name, this.#filled(new ValueIndex(name, values, this.#onIndexError)));
  }

  /** An empty cache with the same indexes: what a relist is gathered in. */
  emptyCopy(): Indexer<T> {
    const copy = new Indexer<T>({ onIndexError: this.#onIndexError });
    for (const [name, index] of this.#indexes) copy.#indexes.set(name, index.empty());
    return copy;
  }

  /**
   * Takes over everything that `next` holds, in one step, and leaves it empty. `next` is an {@link emptyCopy} of this
   * one; an index that was added since is filled now.
   */
  replace(next: Indexer<T>): void {
    const taken = next.#indexes;
    this.#entries = next.#entries;
    for (const [name, index] of this.#indexes) {
      this.#indexes.set(name, taken.get(name) ?? this.#filled(index.empty()));
    }
    next.#entries = new Map();
    next.#indexes = new Map();
  }

  #filled(index: ValueIndex<T>): ValueIndex<T> {
    for (const entry of this.#entries.values()) index.put(entry);
    return index;
  }
}
