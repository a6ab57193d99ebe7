import type { ReadyList } from './ready-list.ts';
import { SteadyMap } from './steady-map.ts';

/** Of so many hand-outs one goes to a priority below the highest that waits, while any does. */
export const LOWER_TURN = 16;

/** So many flows without keys are remembered at a priority, beside as many as have some: making one costs as much as a key. */
const IDLE_LANES_MAX = 256;

/** So many empty priorities are kept for their next key; beyond, they go. Programs use a few. */
const EMPTY_LEVELS_MAX = 32;

/** How keys are told apart by whom they belong to, and what each of those is entitled to. */
export interface Fairness {
  /** Whom `key` belongs to: a tenant, a customer, a kind. Asked once for each time that the key becomes ready. */
  readonly flowOf: (key: string) => string;
  /** How many keys in a row a flow gets at its turn: an integer of at least 1. Default 1 for all. */
  readonly weightOf?: (flow: string) => number;
}

/** One key in the list. It stands in a lane, between two others. */
interface Slot<Key> {
  readonly key: Key;
  lane: Lane<Key>;
  before: Slot<Key> | undefined;
  after: Slot<Key> | undefined;
}

/** The keys of one flow at one priority, first in, first out. In its level's ring while it has keys. */
interface Lane<Key> {
  readonly flow: string;
  readonly level: Level<Key>;
  weight: number;
  first: Slot<Key> | undefined;
  last: Slot<Key> | undefined;
  /** Keys that it may still give in its present turn. */
  left: number;
  /** The ring of the level's lanes. */
  next: Lane<Key>;
  previous: Lane<Key>;
}

/** The keys of one priority: a ring of lanes that take turns. */
interface Level<Key> {
  readonly priority: number;
  /** By flow. Some may be idle, without keys: a flow whose only key comes and goes keeps its lane. */
  readonly lanes: Map<string, Lane<Key>>;
  /** How many lanes have keys. */
  active: number;
  /** The lane whose turn it is; undefined when the level has no keys. New lanes join right before it, at the back. */
  turn: Lane<Key> | undefined;
  size: number;
  /** The hand-out at which a key was last taken from here, or at which the level got its first key. */
  servedAt: number;
}

/**
 * Ready keys by priority, and within a priority in turns between flows: weighted round robin, first in first out
 * within a flow.
 *
 * Nothing starves, whatever is added meanwhile. Let a key have m keys before it in its own flow, of weight w, let W be
 * the sum of the weights of the flows that wait at its priority, and L the number of priorities that wait:
 * - at the highest priority it is handed out within (⌊m ÷ w⌋ + 1) × W hand-outs of that priority, which gets at least
 *   15 of each 16;
 * - at any other within 16 × L × (⌊m ÷ w⌋ + 1) × W hand-outs: each sixteenth goes to the lower priority that was
 *   passed over the longest.
 */
export class FairList<Key extends string> implements ReadyList<Key> {
  readonly #slots = new SteadyMap<Key, Slot<Key>>();
  /** By priority, the highest first. Some may be empty. */
  readonly #levels: Level<Key>[] = [];
  readonly #fairness: Fairness | undefined;
  #handOuts = 0;
  /** Hand-outs since a lower priority had its turn, while one waited. */
  #passedOver = 0;

  /** Without `fairness` all keys belong to one flow. */
  constructor(fairness?: Fairness) {
    this.#fairness = fairness;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(key: Key): boolean {
    return this.#slots.has(key);
  }

  /** A key that is in the list is moved when `priority` is above its own: behind those of that priority. */
  add(key: Key, priority: number): boolean {
    const known = this.#slots.get(key);
    if (known !== undefined) {
      if (known.lane.level.priority < priority) this.#raise(known, priority);
      return false;
    }
    const lane = this.#lane(this.#level(priority), this.#flowOf(key));
    const slot: Slot<Key> = { key, lane, before: undefined, after: undefined };
    this.#slots.set(key, slot);
    append(slot, lane);
    return true;
  }

  shift(): Key | undefined {
    const level = this.#nextLevel();
    if (level === undefined) return undefined;
    level.servedAt = ++this.#handOuts;
    const lane = level.turn!;
    const slot = lane.first!;
    // First, so that a lane that is left without keys is gone before its turn would pass on.
    if (--lane.left === 0) {
      lane.left = lane.weight;
      level.turn = lane.next;
    }
    unlink(slot);
    this.#slots.delete(slot.key);
    return slot.key;
  }

  keys(): Iterable<Key> {
    return this.#slots.keys();
  }

  count(priority: number): number {
    return this.#levels.find((level) => level.priority === priority)?.size ?? 0;
  }

  /** The highest level with keys; each sixteenth time, where there are others with keys, the one that waits longest. */
  #nextLevel(): Level<Key> | undefined {
    const levels = this.#levels;
    let top = 0;
    while (top < levels.length && levels[top]!.size === 0) top++;
    let lower: Level<Key> | undefined;
    for (let index = top + 1; index < levels.length; index++) {
      const level = levels[index]!;
      if (level.size > 0 && (lower === undefined || level.servedAt < lower.servedAt)) lower = level;
    }
    if (lower === undefined) this.#passedOver = 0;
    else if (++this.#passedOver >= LOWER_TURN) {
      this.#passedOver = 0;
      return lower;
    }
    return levels[top];
  }

  #raise(slot: Slot<Key>, priority: number): void {
    const { flow } = slot.lane;
    unlink(slot);
    append(slot, this.#lane(this.#level(priority), flow));
  }

  #level(priority: number): Level<Key> {
    const levels = this.#levels;
    let index = 0;
    while (index < levels.length && levels[index]!.priority > priority) index++;
    let level = levels[index];
    if (level?.priority !== priority) {
      level = { priority, lanes: new Map(), active: 0, turn: undefined, size: 0, servedAt: 0 };
      levels.splice(index, 0, level);
      if (levels.length > EMPTY_LEVELS_MAX) this.#dropEmptyLevels(level);
    }
    if (level.size === 0) level.servedAt = this.#handOuts;
    return level;
  }

  #dropEmptyLevels(wanted: Level<Key>): void {
    const kept = this.#levels.filter((level) => level.size > 0 || level === wanted);
    this.#levels.splice(0, this.#levels.length, ...kept);
  }

  /** The flow's lane, in the ring: it is about to get a key. */
  #lane(level: Level<Key>, flow: string): Lane<Key> {
    let lane = level.lanes.get(flow);
    if (lane?.first !== undefined) return lane;
    if (lane === undefined) {
      if (level.lanes.size > 2 * level.active + IDLE_LANES_MAX) dropIdleLanes(level);
      lane = { flow, level, weight: 1, left: 1, first: undefined, last: undefined } as unknown as Lane<Key>;
      level.lanes.set(flow, lane);
    }
    lane.weight = lane.left = this.#weightOf(flow);
    join(lane);
    return lane;
  }

  /** User code that throws, or says what can't be, costs a key its place among its own, and nothing else. */
  #flowOf(key: Key): string {
    if (this.#fairness === undefined) return '';
    try {
      return String(this.#fairness.flowOf(key));
    } catch {
      return '';
    }
  }

  #weightOf(flow: string): number {
    const weightOf = this.#fairness?.weightOf;
    if (weightOf === undefined) return 1;
    try {
      const weight = weightOf(flow);
      return Number.isInteger(weight) && weight >= 1 ? weight : 1;
    } catch {
      return 1;
    }
  }
}

function append<Key>(slot: Slot<Key>, lane: Lane<Key>): void {
  slot.lane = lane;
  slot.before = lane.last;
  slot.after = undefined;
  if (lane.last === undefined) lane.first = slot;
  else lane.last.after = slot;
  lane.last = slot;
  lane.level.size++;
}

/** Takes `slot` out of its lane, and a lane that is left without keys out of the ring. */
function unlink<Key>(slot: Slot<Key>): void {
  const { lane, before, after } = slot;
  if (before === undefined) lane.first = after;
  else before.after = after;
  if (after === undefined) lane.last = before;
  else after.before = before;
  lane.level.size--;
  if (lane.first === undefined) leave(lane);
}

/** Puts an idle lane at the back of its level's ring. */
function join<Key>(lane: Lane<Key>): void {
  const { level } = lane;
  const { turn } = level;
  level.active++;
  if (turn === undefined) {
    lane.next = lane.previous = level.turn = lane;
  } else {
    lane.next = turn;
    lane.previous = turn.previous;
    lane.previous.next = turn.previous = lane;
  }
}

function leave<Key>(lane: Lane<Key>): void {
  const { level } = lane;
  level.active--;
  if (lane.next === lane) {
    level.turn = undefined;
    return;
  }
  lane.previous.next = lane.next;
  lane.next.previous = lane.previous;
  if (level.turn === lane) level.turn = lane.next;
}

function dropIdleLanes<Key>(level: Level<Key>): void {
  for (const lane of level.lanes.values()) if (lane.first === undefined) level.lanes.delete(lane.flow);
}

/** The fairness of controllers: the namespace of a key `namespace/name`. Keys without one are one flow. */
export function namespaceOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}
