/** As many as a `SteadySet` has, for the same reason. */
const FILLERS = 16;

/** A Map for keys that come and go all the time: what `SteadySet` is to a Set. */
export class SteadyMap<Key, Value> {
  /** The fillers, which come first, then the entries in the order in which their keys were set. */
  readonly #entries = new Map<Key | symbol, Value | undefined>(
    Array.from({ length: FILLERS }, () => [Symbol('filler'), undefined]),
  );

  get size(): number {
    return this.#entries.size - FILLERS;
  }

  has(key: Key): boolean {
    return this.#entries.size > FILLERS && this.#entries.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#entries.size > FILLERS ? this.#entries.get(key) : undefined;
  }

  set(key: Key, value: Value): void {
    this.#entries.set(key, value);
  }

  delete(key: Key): boolean {
    return this.#entries.size > FILLERS && this.#entries.delete(key);
  }

  /** The keys in the order in which they were set first. They may be deleted on the way. */
  keys(): IterableIterator<Key> {
    const keys = this.#entries.keys();
    for (let filler = 0; filler < FILLERS; filler++) keys.next();
    return keys as IterableIterator<Key>;
  }
}
