import type { ObjectReference } from './event-resource.ts';
import { CACHE_MAX } from './correlation.ts';
import { LruMap } from '../internal/lru-map.ts';

/** A series that is idle for so long is over, and one that isn't is stored anew after so long: client-go's. */
const IDLE_MAX_MS = 360_000;
const REFRESH_MS = 1_800_000;

/** What is the same every time that an event recurs. */
export interface EventFacts {
  readonly regarding: ObjectReference;
  readonly related: ObjectReference | undefined;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string | undefined;
  readonly controller: string;
}

/** One event, as often as it has occurred so far. */
export interface Recurring {
  readonly facts: EventFacts;
  /** What it is stored as. */
  readonly name: string;
  readonly namespace: string;
  message: string;
  count: number;
  /** By the wall clock, for the object. */
  readonly firstAt: number;
  lastAt: number;
  /** By the monotonic clock. */
  seenAt: number;
  storedAt: number;
  /** How often it had occurred when it was last stored; 0 before. */
  storedCount: number;
}

/** The events that may occur again. */
export class Recurrence {
  readonly #events = new LruMap<string, Recurring>(CACHE_MAX);

  /** Counts an occurrence of a known event; undefined for one that is new, or whose series is over. */
  recur(id: string, message: string, at: { readonly now: number; readonly wallNow: number }): Recurring | undefined {
    const event = this.#events.get(id);
    if (!event || at.now - event.seenAt > IDLE_MAX_MS) return undefined;
    event.count++;
    event.message = message;
    event.seenAt = at.now;
    event.lastAt = at.wallNow;
    return event;
  }

  add(id: string, event: Recurring): void {
    this.#events.set(id, event);
  }

  /** Whether an occurrence is to be stored right away: the first, and the second, which begins the series. */
  isDue({ count }: Recurring): boolean {
    return count <= 2;
  }

  /** The events to store by now: those whose series is over, which are forgotten, and those stored long ago. */
  sweep(now: number): readonly Recurring[] {
    const due: Recurring[] = [];
    for (const [id, event] of this.#events.entries()) {
      const over = now - event.seenAt > IDLE_MAX_MS;
      const changed = event.count !== event.storedCount;
      if (changed && (over || now - event.storedAt >= REFRESH_MS)) due.push(event);
      if (over) this.#events.delete(id);
    }
    return due;
  }

  /** Every event that has occurred since it was stored. */
  changed(): readonly Recurring[] {
    return [...this.#events.entries()].flatMap(([, event]) => (event.count === event.storedCount ? [] : [event]));
  }

  get size(): number {
    return this.#events.size;
  }
}
