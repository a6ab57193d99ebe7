/** The order in which ready keys are handed out: what the queue asks of it, and nothing more. */
export interface ReadyList<Item> {
  readonly size: number;
  /** Takes in an item that is not in the list. */
  push(item: Item): void;
  /** Takes out the item whose turn it is. */
  shift(): Item | undefined;
}

/** An item that can stand in a {@link FifoList}: it carries the link to the one behind it. */
export interface Linked<Item> {
  /** Belongs to the list that the item is in. Undefined while it is in none. */
  next: Item | undefined;
}

/**
 * First in, first out. The links are the items' own, so a push or shift allocates nothing, takes the same time at any
 * size, and an empty list holds no memory.
 */
export class FifoList<Item extends Linked<Item>> implements ReadyList<Item> {
  #first: Item | undefined;
  #last: Item | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: Item): void {
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size++;
  }

  shift(): Item | undefined {
    const item = this.#first;
    if (item === undefined) return undefined;
    this.#first = item.next;
    // A link left behind would let an old item keep every later one alive through young-generation collections.
    item.next = undefined;
    if (this.#first === undefined) this.#last = undefined;
    this.#size--;
    return item;
  }
}
