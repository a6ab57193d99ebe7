import { SetpointError } from '../errors/index.ts';
import type { Entry } from './lister.ts';

/**
 * The values that an object is filed under, none for an object the index is not about. Must be pure and quick: it
 * runs once for each new state of an object, before handlers hear of it.
 */
export type IndexFunction<T> = (object: T, key: string) => readonly string[];

/**
 * Files objects by the first segment of their key, which for namespaced kinds is the namespace. Keys of one segment
 * are under no value.
 */
export const namespaceIndex: IndexFunction<unknown> = (_object, key) => {
  const slash = key.indexOf('/');
  return slash < 0 ? [] : [key.slice(0, slash)];
};

/** Told when an index function failed for `key`. */
export type IndexErrorListener = (error: SetpointError, key: string) => void;

/**
 * One index: from a value to the keys filed under it. A key whose index function throws is filed under nothing until
 * its next state; the failure is told with the key, and the rest of the index is untouched.
 */
export class ValueIndex<T> {
  readonly name: string;
  readonly #values: IndexFunction<T>;
  readonly #onError: IndexErrorListener;
  /** No bucket is ever empty. */
  readonly #buckets = new Map<string, Set<string>>();
  /** What each key is filed under: remembered, because the function may answer differently when asked again. */
  readonly #filed = new Map<string, readonly string[]>();

  constructor(name: string, values: IndexFunction<T>, onError: IndexErrorListener) {
    this.name = name;
    this.#values = values;
    this.#onError = onError;
  }

  /** The same index over nothing. */
  empty(): ValueIndex<T> {
    return new ValueIndex(this.name, this.#values, this.#onError);
  }

  /** Files the entry under its values and under no other. */
  put(entry: Entry<T>): void {
    const values = this.#valuesOf(entry);
    const before = this.#filed.get(entry.key);
    if (before && before.length === values.length && before.every((value, at) => value === values[at])) return;
    this.remove(entry.key);
    if (values.length === 0) return;
    this.#filed.set(entry.key, values);
    for (const value of values) {
      const bucket = this.#buckets.get(value);
      if (bucket) bucket.add(entry.key);
      else this.#buckets.set(value, new Set([entry.key]));
    }
  }

  remove(key: string): void {
    for (const value of this.#filed.get(key) ?? []) {
      const bucket = this.#buckets.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) this.#buckets.delete(value);
    }
    this.#filed.delete(key);
  }

  keysOf(value: string): Iterable<string> {
    return this.#buckets.get(value) ?? [];
  }

  /** How many values have keys: for tests and memory accounts. */
  get bucketCount(): number {
    return this.#buckets.size;
  }

  #valuesOf(entry: Entry<T>): readonly string[] {
    try {
      const values: unknown = this.#values(entry.object, entry.key);
      if (!Array.isArray(values) || !values.every((value) => typeof value === 'string')) {
        throw new TypeError(
          `expected an array of strings, received ${Array.isArray(values) ? 'other elements' : typeof values}`,
        );
      }
      return [...new Set(values)];
    } catch (cause) {
      const message = `index "${this.name}" failed for ${entry.key}, which is now filed under nothing: mend the function`;
      this.#onError(new SetpointError('Invalid', message, { cause, details: { key: entry.key } }), entry.key);
      return [];
    }
  }
}
