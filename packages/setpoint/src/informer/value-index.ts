import { SetpointError } from '../errors/index.ts';
import type { Entry } from './lister.ts';

/**
 * The values that an object is filed under, none for an object the index is not about. Must be pure and quick: it
 * runs once for each new state of an object, before handlers hear of it.
 */
export type IndexFunction<T> = (object: T, key: string) => readonly string[];

/** Told when an index function failed for `key`. */
export type IndexErrorListener = (error: SetpointError, key: string) => void;

/** The keys that are filed under one value. */
export class Bucket {
  readonly value: string;
  readonly keys = new Set<string>();

  constructor(value: string) {
    this.value = value;
  }
}

/** Where one index has one key: mostly in one bucket. */
export type Placement = Bucket | readonly Bucket[];

/** Where each index has a key; the bare placement where there is one index, which is one object less for each key. */
export type Placements = Placement | readonly Placement[];

/** In no bucket. */
export const NOWHERE: readonly Bucket[] = [];

/**
 * One index: from a value to the keys filed under it. A key whose index function throws is filed under nothing until
 * its next state; the failure is told with the key, and the rest of the index is untouched.
 *
 * Whoever files a key keeps its placement and gives it back: the function may answer differently when asked again.
 */
export class ValueIndex<T> {
  readonly name: string;
  readonly #values: IndexFunction<T>;
  readonly #onError: IndexErrorListener;
  /** No bucket is ever empty. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(name: string, values: IndexFunction<T>, onError: IndexErrorListener) {
    this.name = name;
    this.#values = values;
    this.#onError = onError;
  }

  /** The same index over nothing. */
  empty(): ValueIndex<T> {
    return new ValueIndex(this.name, this.#values, this.#onError);
  }

  isBy(values: IndexFunction<T>): boolean {
    return this.#values === values;
  }

  /** Files the entry under its values and under no other. `before`: where this index has its key now. */
  place(entry: Entry<T>, before: Placement): Placement {
    const values = this.#valuesOf(entry);
    if (isAt(before, values)) return before;
    this.remove(entry.key, before);
    if (values.length === 0) return NOWHERE;
    if (values.length === 1) return this.#put(entry.key, values[0]!);
    return [...new Set(values)].map((value) => this.#put(entry.key, value));
  }

  remove(key: string, placement: Placement): void {
    if (placement instanceof Bucket) return this.#take(key, placement);
    for (const bucket of placement) this.#take(key, bucket);
  }

  /** Whether the function files an entry under the value; not when it fails, which was told when it was filed. */
  files(entry: Entry<T>, value: string): boolean {
    try {
      const values: unknown = this.#values(entry.object, entry.key);
      return isTexts(values) && values.includes(value);
    } catch {
      return false;
    }
  }

  keysOf(value: string): Iterable<string> {
    return this.#buckets.get(value)?.keys ?? [];
  }

  /** How many values have keys: for tests and memory accounts. */
  get bucketCount(): number {
    return this.#buckets.size;
  }

  #put(key: string, value: string): Bucket {
    let bucket = this.#buckets.get(value);
    if (!bucket) this.#buckets.set(value, (bucket = new Bucket(value)));
    bucket.keys.add(key);
    return bucket;
  }

  #take(key: string, bucket: Bucket): void {
    bucket.keys.delete(key);
    if (bucket.keys.size === 0) this.#buckets.delete(bucket.value);
  }

  #valuesOf(entry: Entry<T>): readonly string[] {
    try {
      const values: unknown = this.#values(entry.object, entry.key);
      if (isTexts(values)) return values;
      const came = Array.isArray(values) ? 'other elements' : typeof values;
      throw new TypeError(`expected an array of strings, received ${came}`);
    } catch (cause) {
      const message = `index "${this.name}" failed for ${entry.key}, which is now filed under nothing: mend the function`;
      this.#onError(new SetpointError('Invalid', message, { cause, details: { key: entry.key } }), entry.key);
      return [];
    }
  }
}

function isTexts(values: unknown): values is readonly string[] {
  if (!Array.isArray(values)) return false;
  for (const value of values) if (typeof value !== 'string') return false;
  return true;
}

/** Whether these are the values of the placement; an unchanged object files nothing anew. */
function isAt(placement: Placement, values: readonly string[]): boolean {
  if (placement instanceof Bucket) return values.length === 1 && placement.value === values[0];
  return placement.length === values.length && placement.every((bucket, at) => bucket.value === values[at]);
}
