/**
 * How many members a {@link SteadySet} has of its own. Enough that the table's size stays the same around an empty set;
 * few enough that a table is quick to copy.
 */
const FILLERS = 16;

/**
 * A Set for keys that come and go all the time. V8 gives a Set a new table whenever the old one is full of holes or
 * nearly empty: around an empty set that is every change or two, and an old table that reached the old generation keeps
 * its successors from being collected young. Some members that never leave make both rare: a long-lived queue near
 * empty is twice as fast for it.
 */
export class SteadySet<Key> {
  /** The fillers, which come first, then the keys in the order in which they were added. */
  readonly #members = new Set<Key | symbol>(Array.from({ length: FILLERS }, () => Symbol('filler')));

  get size(): number {
    return this.#members.size - FILLERS;
  }

  has(key: Key): boolean {
    return this.#members.size > FILLERS && this.#members.has(key);
  }

  /** Adds `key`, and says whether it is new. */
  add(key: Key): boolean {
    // One look-up in place of `has` and `add`: it matters when a million keys are queued.
    const before = this.#members.size;
    return this.#members.add(key).size > before;
  }

  /** Removes `key`, and says whether it was there. */
  delete(key: Key): boolean {
    return this.#members.size > FILLERS && this.#members.delete(key);
  }

  /**
   * The keys in the order in which they were added. As with any Set, one that is added before the iterator has ended is
   * still met, and one that is deleted before its turn is not.
   */
  keys(): IterableIterator<Key> {
    const members = this.#members.values();
    for (let filler = 0; filler < FILLERS; filler++) members.next();
    return members as IterableIterator<Key>;
  }
}
