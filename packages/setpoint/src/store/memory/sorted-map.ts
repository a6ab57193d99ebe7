import { SetpointError } from '../../errors/index.ts';

/** How many entries a node holds before it splits. Wide nodes keep a million keys within four levels. */
const FANOUT = 64;

/** A leaf has values beside its keys; a branch has children, and `keys[i]` bounds `children[i]` from below. */
interface Node<V> {
  keys: string[];
  values: V[];
  children: Node<V>[] | undefined;
  /** The weights of all values below, added up. */
  weight: number;
}

/**
 * A sorted map from strings to values: a B+tree that also adds up a weight of its values, so that counting a range
 * costs as little as finding its ends. All operations take O(log n), a visit O(log n + visited). Strings order by
 * their UTF-16 units, which for one-character-per-byte strings is the order of the bytes.
 *
 * Nodes that empty are taken out; half-empty ones stay, which keeps removal simple and costs memory at most.
 */
export class SortedMap<V> {
  #root: Node<V> = leaf([], []);
  #size = 0;
  readonly #weigh: (value: V) => number;

  /** `weigh` says a value's present weight; tell {@link reweigh} whenever it changes. */
  constructor(weigh: (value: V) => number = () => 1) {
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (node.children) node = node.children[childFor(node, key)]!;
    const at = lowerBound(node.keys, key);
    return node.keys[at] === key ? node.values[at] : undefined;
  }

  /** Adds a key that is not there yet. */
  insert(key: string, value: V): void {
    const sibling = this.#insert(this.#root, key, value);
    this.#size++;
    if (sibling) this.#root = branch([this.#root, sibling]);
  }

  /** Takes a key out and says whether it was there. */
  delete(key: string): boolean {
    const removed = this.#delete(this.#root, key);
    if (!removed) return false;
    this.#size--;
    while (this.#root.children?.length === 1) this.#root = this.#root.children[0]!;
    if (this.#root.children?.length === 0) this.#root = leaf([], []);
    return true;
  }

  /** Adds `by` to the weight above `key`, whose value's own weight has just changed by that much. */
  reweigh(key: string, by: number): void {
    let node = this.#root;
    node.weight += by;
    while (node.children) {
      node = node.children[childFor(node, key)]!;
      node.weight += by;
    }
  }

  /** The weight of the keys in [start, end), or from `start` on when `end` is undefined. */
  weightBetween(start: string, end: string | undefined): number {
    const above = end === undefined ? this.#root.weight : this.#weightBelow(end);
    return Math.max(0, above - this.#weightBelow(start));
  }

  /** Calls `visit` for each value in [start, end) in order, until it returns false. The map must not change meanwhile. */
  visit(start: string, end: string | undefined, visit: (value: V) => boolean | void): void {
    walk(this.#root, start, end, visit);
  }

  #weightBelow(key: string): number {
    let node = this.#root;
    let weight = 0;
    while (node.children) {
      const at = childFor(node, key);
      for (let i = 0; i < at; i++) weight += node.children[i]!.weight;
      node = node.children[at]!;
    }
    const at = lowerBound(node.keys, key);
    for (let i = 0; i < at; i++) weight += this.#weigh(node.values[i]!);
    return weight;
  }

  /** Returns the new right sibling when `node` had to split. */
  #insert(node: Node<V>, key: string, value: V): Node<V> | undefined {
    node.weight += this.#weigh(value);
    if (!node.children) {
      const at = lowerBound(node.keys, key);
      if (node.keys[at] === key)
        throw new SetpointError('Internal', 'a sorted map was given a key twice; please report it');
      node.keys.splice(at, 0, key);
      node.values.splice(at, 0, value);
    } else {
      const at = childFor(node, key);
      const sibling = this.#insert(node.children[at]!, key, value);
      if (!sibling) return undefined;
      node.keys.splice(at + 1, 0, sibling.keys[0]!);
      node.children.splice(at + 1, 0, sibling);
    }
    return node.keys.length > FANOUT ? this.#split(node) : undefined;
  }

  #split(node: Node<V>): Node<V> {
    const middle = node.keys.length >> 1;
    const keys = node.keys.splice(middle);
    const right = { keys, values: node.values.splice(middle), children: node.children?.splice(middle), weight: 0 };
    right.weight = right.children
      ? right.children.reduce((sum, child) => sum + child.weight, 0)
      : right.values.reduce((sum, value) => sum + this.#weigh(value), 0);
    node.weight -= right.weight;
    return right;
  }

  #delete(node: Node<V>, key: string): { readonly weight: number } | undefined {
    if (!node.children) {
      const at = lowerBound(node.keys, key);
      if (node.keys[at] !== key) return undefined;
      node.keys.splice(at, 1);
      const weight = this.#weigh(node.values.splice(at, 1)[0]!);
      node.weight -= weight;
      return { weight };
    }
    const at = childFor(node, key);
    const child = node.children[at]!;
    const removed = this.#delete(child, key);
    if (!removed) return undefined;
    node.weight -= removed.weight;
    if (child.keys.length === 0) {
      node.keys.splice(at, 1);
      node.children.splice(at, 1);
    }
    return removed;
  }
}

function leaf<V>(keys: string[], values: V[]): Node<V> {
  return { keys, values, children: undefined, weight: 0 };
}

function branch<V>(children: Node<V>[]): Node<V> {
  const keys = children.map((child) => child.keys[0]!);
  return { keys, values: [], children, weight: children.reduce((sum, child) => sum + child.weight, 0) };
}

function walk<V>(node: Node<V>, start: string, end: string | undefined, visit: (value: V) => boolean | void): boolean {
  if (!node.children) {
    for (let i = lowerBound(node.keys, start); i < node.keys.length; i++) {
      if (end !== undefined && node.keys[i]! >= end) return false;
      if (visit(node.values[i]!) === false) return false;
    }
    return true;
  }
  for (let i = childFor(node, start); i < node.children.length; i++) {
    if (!walk(node.children[i]!, start, end, visit)) return false;
  }
  return true;
}

/** The first index whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which child would hold `key`: the last whose lower bound is not above it. */
function childFor<V>(node: Node<V>, key: string): number {
  const at = lowerBound(node.keys, key);
  return node.keys[at] === key ? at : Math.max(0, at - 1);
}
