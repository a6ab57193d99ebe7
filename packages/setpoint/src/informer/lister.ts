import type { Revision } from '../store/port.ts';

/** One cached object and where in the store's history it stands. */
export interface Entry<T> {
  /** The key's text after the informer's prefix, such as `default/web`. */
  readonly key: string;
  readonly object: T;
  /** Tells incarnations apart: a key that was deleted and created again has another one. */
  readonly createRevision: Revision;
  /** The revision of this state. */
  readonly modRevision: Revision;
}

/**
 * The cache as readers see it. Every answer is from memory and as of one revision: within one synchronous stretch of
 * code all answers agree, after an `await` they may have moved on. No method scans but `list` and `keys`.
 *
 * The objects are the cache's own. Don't change them; outside production they are frozen.
 */
export interface Lister<T> {
  /** The object under `key`, undefined when there is none. */
  get(key: string): T | undefined;
  has(key: string): boolean;
  /** Every object, in no promised order. The array is the caller's. */
  list(): readonly T[];
  /** Every key, in the order of `list`. Live: don't hold it across an `await`. */
  keys(): Iterable<string>;
  readonly size: number;
  /** The objects that the index files under exactly `value`. Throws `Invalid` when there is no such index. */
  byIndex(index: string, value: string): readonly T[];
  /** The object with its revisions. */
  entry(key: string): Entry<T> | undefined;
}

/** A view of `cache` that has no way to change it. */
export function readOnly<T>(cache: Lister<T>): Lister<T> {
  return {
    get: (key) => cache.get(key),
    has: (key) => cache.has(key),
    list: () => cache.list(),
    keys: () => cache.keys(),
    get size() {
      return cache.size;
    },
    byIndex: (index, value) => cache.byIndex(index, value),
    entry: (key) => cache.entry(key),
  };
}
