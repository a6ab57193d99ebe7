import { SetpointError } from '../errors/index.ts';
import { type CachedEntry, unplaced } from './cached-entry.ts';
import type { Entry, Lister } from './lister.ts';
import {
  type IndexErrorListener,
  type IndexFunction,
  NOWHERE,
  type Placement,
  type Placements,
  ValueIndex,
} from './value-index.ts';

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
  #entries = new Map<string, CachedEntry<T>>();
  /** In the order in which they were added, as in the placements of each entry. */
  #indexes: readonly ValueIndex<T>[] = [];
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
    return Array.from(this.#known(index).keysOf(value), (key) => this.#entries.get(key)!.object);
  }

  /** As {@link byIndex}, with revisions. */
  entriesByIndex(index: string, value: string): readonly Entry<T>[] {
    return Array.from(this.#known(index).keysOf(value), (key) => this.#entries.get(key)!);
  }

  /** Whether the index would file an entry under the value, be it cached or not. */
  isFiledUnder(index: string, value: string, entry: Entry<T>): boolean {
    return this.#known(index).files(entry, value);
  }

  entry(key: string): CachedEntry<T> | undefined {
    return this.#entries.get(key);
  }

  /** Every entry, in the order of `list`. Live: don't hold it across an `await`. */
  entries(): Iterable<Entry<T>> {
    return this.#entries.values();
  }

  /** Puts the entry in place of what was under its key. */
  set(entry: Entry<T>): void {
    const before = this.#entries.get(entry.key);
    const cached = unplaced(entry);
    this.#entries.set(cached.key, cached);
    cached.placements = this.#placed(cached, before?.placements);
  }

  /** Takes the entry out and returns it; undefined when there was none. */
  delete(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    const indexes = this.#indexes;
    for (let at = 0; at < indexes.length; at++) indexes[at]!.remove(key, this.#at(entry.placements, at));
    return entry;
  }

  /** Adds an index; what is cached is filed before it returns. Throws `AlreadyExists` when the name is taken. */
  addIndex(name: string, values: IndexFunction<T>): void {
    if (typeof values !== 'function') {
      throw new SetpointError('Invalid', `index "${name}": expected a function, received ${typeof values}`);
    }
    if (this.#find(name)) {
      throw new SetpointError('AlreadyExists', `index "${name}" was added before: choose another name`);
    }
    this.#add(new ValueIndex(name, values, this.#onIndexError));
  }

  /** Whether there is this index: of the name, by this function. */
  hasIndex(name: string, values: IndexFunction<T>): boolean {
    return this.#find(name)?.isBy(values) ?? false;
  }

  /** An empty cache with the same indexes: what a relist is gathered in. */
  emptyCopy(): Indexer<T> {
    const copy = new Indexer<T>({ onIndexError: this.#onIndexError });
    copy.#indexes = this.#indexes.map((index) => index.empty());
    return copy;
  }

  /**
   * Takes over everything that `next` holds, in one step, and leaves it empty. `next` is an {@link emptyCopy} of this
   * one; an index that was added since is filled now.
   */
  replace(next: Indexer<T>): void {
    const added = this.#indexes.slice(next.#indexes.length);
    this.#entries = next.#entries;
    this.#indexes = next.#indexes;
    for (const index of added) this.#add(index.empty());
    next.#entries = new Map();
    next.#indexes = [];
  }

  #known(name: string): ValueIndex<T> {
    const found = this.#find(name);
    if (found) return found;
    const known = this.#indexes.map((index) => index.name).join(', ') || 'none';
    throw new SetpointError('Invalid', `index "${name}": expected one of the indexes that were added (${known})`);
  }

  #find(name: string): ValueIndex<T> | undefined {
    return this.#indexes.find((index) => index.name === name);
  }

  #add(index: ValueIndex<T>): void {
    const before = this.#indexes.length;
    this.#indexes = [...this.#indexes, index];
    for (const entry of this.#entries.values()) {
      const placement = index.place(entry, NOWHERE);
      if (before === 0) entry.placements = placement;
      else entry.placements = [...this.#each(entry.placements, before), placement];
    }
  }

  /** Files the entry in every index. `before`: where its key is now. */
  #placed(entry: Entry<T>, before: Placements | undefined): Placements {
    const { length } = this.#indexes;
    if (length === 0) return NOWHERE;
    if (length === 1) return this.#indexes[0]!.place(entry, this.#at(before, 0));
    return this.#indexes.map((index, at) => index.place(entry, this.#at(before, at)));
  }

  #at(placements: Placements | undefined, index: number): Placement {
    if (placements === undefined) return NOWHERE;
    return this.#indexes.length === 1 ? (placements as Placement) : (placements as readonly Placement[])[index]!;
  }

  /** As a list, when there are `count` indexes. */
  #each(placements: Placements | undefined, count: number): readonly Placement[] {
    return count === 1 ? [placements as Placement] : (placements as readonly Placement[]);
  }
}
