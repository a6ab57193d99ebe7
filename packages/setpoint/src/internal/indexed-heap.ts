/** Where one key stands. Moving it in the heap only changes `index`, so the keys' map is written once per key. */
interface Slot<Key> {
  readonly key: Key;
  at: number;
  /** Breaks ties of `at`: the key that was set first comes first. */
  order: number;
  index: number;
}

/** Four children per node: half the levels of a binary heap, and the four are neighbours in memory. */
const CHILDREN = 4;

const before = (a: Slot<unknown>, b: Slot<unknown>): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/**
 * Keys ordered by a number (a time), each key at most once. Adding, making earlier and removing take O(log n), asking
 * for the first O(1). Keys of equal number come out in the order in which they were given it.
 */
export class IndexedHeap<Key> {
  /** A heap: no slot comes before its parent, and `#slots[slot.index] === slot`. */
  readonly #slots: Slot<Key>[] = [];
  /** The same slots by key. */
  readonly #byKey = new Map<Key, Slot<Key>>();
  #order = 0;

  get size(): number {
    return this.#slots.length;
  }

  has(key: Key): boolean {
    return this.#byKey.has(key);
  }

  /** The number of `key`, or undefined when it is not in the heap. */
  at(key: Key): number | undefined {
    return this.#byKey.get(key)?.at;
  }

  /** The keys, in no order that means anything. */
  keys(): IterableIterator<Key> {
    return this.#byKey.keys();
  }

  /** Puts `key` at `at`, or moves it there when that is earlier than where it is. Says whether anything changed. */
  setEarlier(key: Key, at: number): boolean {
    let slot = this.#byKey.get(key);
    if (slot === undefined) {
      slot = { key, at, order: this.#order++, index: this.#slots.length };
      this.#byKey.set(key, slot);
      this.#slots.push(slot);
    } else if (at < slot.at) {
      slot.at = at;
      slot.order = this.#order++;
    } else return false;
    this.#rise(slot);
    return true;
  }

  /** The first key and its number, left in place. */
  peek(): { readonly key: Key; readonly at: number } | undefined {
    return this.#slots[0];
  }

  /** Takes the first key out. */
  pop(): Key | undefined {
    const first = this.#slots[0];
    if (first === undefined) return undefined;
    this.delete(first.key);
    return first.key;
  }

  /** Takes `key` out, wherever it stands. Says whether it was there. */
  delete(key: Key): boolean {
    const slot = this.#byKey.get(key);
    if (slot === undefined) return false;
    this.#byKey.delete(key);
    const last = this.#slots.pop()!;
    if (last === slot) return true;
    this.#place(last, slot.index);
    this.#rise(last);
    this.#sink(last);
    return true;
  }

  clear(): void {
    this.#slots.length = 0;
    this.#byKey.clear();
  }

  #place(slot: Slot<Key>, index: number): void {
    this.#slots[index] = slot;
    slot.index = index;
  }

  /** Moves `slot` towards the root until its parent comes before it. */
  #rise(slot: Slot<Key>): void {
    while (slot.index > 0) {
      const parent = this.#slots[Math.floor((slot.index - 1) / CHILDREN)]!;
      if (!before(slot, parent)) return;
      const index = parent.index;
      this.#place(parent, slot.index);
      this.#place(slot, index);
    }
  }

  /** Moves `slot` towards the leaves until it comes before all its children. */
  #sink(slot: Slot<Key>): void {
    for (let child = this.#firstChild(slot); child && before(child, slot); child = this.#firstChild(slot)) {
      const index = child.index;
      this.#place(child, slot.index);
      this.#place(slot, index);
    }
  }

  #firstChild(slot: Slot<Key>): Slot<Key> | undefined {
    const start = slot.index * CHILDREN + 1;
    let first = this.#slots[start];
    for (let index = start + 1; index < start + CHILDREN && index < this.#slots.length; index++) {
      const child = this.#slots[index]!;
      if (before(child, first!)) first = child;
    }
    return first;
  }
}
