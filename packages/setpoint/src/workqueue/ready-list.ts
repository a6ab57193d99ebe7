import { SteadySet } from './steady-set.ts';

/** The order in which ready keys are handed out: what the queue asks of it, and nothing more. */
export interface ReadyList<Key> {
  readonly size: number;
  has(key: Key): boolean;
  /**
   * Takes `key` in, and says whether it wasn't in the list before. The higher a priority, the earlier; a list that
   * knows none ignores it.
   */
  add(key: Key, priority: number): boolean;
  /** Takes out the key whose turn it is. */
  shift(): Key | undefined;
  /** The keys in the list. */
  keys(): Iterable<Key>;
  /** How many keys of this priority are in the list. */
  count(priority: number): number;
}

/**
 * First in, first out. A set is all that it takes: it keeps its keys in the order in which they came, and one iterator
 * stands before the first of them for as long as the list lives. It never runs to its end, as every key behind it is
 * deleted when it is passed; and so a shift takes the same time at any size.
 */
export class FifoList<Key> implements ReadyList<Key> {
  readonly #keys = new SteadySet<Key>();
  readonly #front = this.#keys.keys();

  get size(): number {
    return this.#keys.size;
  }

  has(key: Key): boolean {
    return this.#keys.has(key);
  }

  add(key: Key): boolean {
    return this.#keys.add(key);
  }

  shift(): Key | undefined {
    if (this.#keys.size === 0) return undefined;
    const key = this.#front.next().value as Key;
    this.#keys.delete(key);
    return key;
  }

  keys(): Iterable<Key> {
    return this.#keys.keys();
  }

  count(priority: number): number {
    return priority === 0 ? this.#keys.size : 0;
  }
}
