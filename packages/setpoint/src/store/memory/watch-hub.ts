import type { Clock, Timer } from '../../internal/clock.ts';
import type { Revision } from '../port.ts';
import type { ByteText } from './byte-text.ts';
import { inRange } from './byte-text.ts';
import type { LoggedRevision } from './event-log.ts';
import type { Watcher } from './watcher.ts';

/**
 * All open watches, found by what they watch: those of one key by that key, those of a range together with the others
 * of the same range, so that a thousand watches of one prefix cost one comparison.
 *
 * A watch that saw nothing of late is told how far the store has come by a progress mark. The timer for these is
 * set by a new revision and not again: a store that nobody writes to, or nobody watches, has no timers.
 */
export class WatchHub {
  readonly #byKey = new Map<ByteText, Set<Watcher>>();
  readonly #byRange = new Map<string, Set<Watcher>>();
  readonly #clock: Clock;
  readonly #progressMs: number;
  #size = 0;
  #now: Revision;
  #timer: Timer | undefined;

  constructor(options: { readonly clock: Clock; readonly progressMs: number; readonly now: Revision }) {
    this.#clock = options.clock;
    this.#progressMs = options.progressMs;
    this.#now = options.now;
  }

  add(watcher: Watcher): void {
    const group = this.#groupOf(watcher);
    group.set.add(watcher);
    group.map.set(group.name, group.set);
    this.#size++;
    this.lag(watcher);
  }

  /** Takes care that a watch without news hears how far the store has come. */
  lag(watcher: Watcher): void {
    if (watcher.isIdleBefore(this.#now)) this.#arm();
  }

  remove(watcher: Watcher): void {
    const group = this.#groupOf(watcher);
    if (!group.set.delete(watcher)) return;
    if (group.set.size === 0) group.map.delete(group.name);
    if (--this.#size === 0) this.#disarm();
  }

  /** Tells every watch that is concerned of a new revision. */
  publish(entry: LoggedRevision): void {
    this.#now = entry.revision;
    if (this.#size === 0) return;
    const concerned = new Set<Watcher>();
    for (const event of entry.events) {
      for (const watcher of this.#byKey.get(event.text) ?? []) concerned.add(watcher);
    }
    for (const group of this.#byRange.values()) {
      const [{ range }] = group as unknown as [Watcher];
      if (!entry.events.some((event) => inRange(range, event.text))) continue;
      for (const watcher of group) concerned.add(watcher);
    }
    for (const watcher of concerned) watcher.offer(entry);
    this.#arm();
  }

  compact(revision: Revision): void {
    for (const watcher of this.#all()) watcher.compact(revision);
  }

  /** Ends every watch with `error`. */
  close(error: unknown): void {
    for (const watcher of this.#all()) watcher.stop(error);
  }

  #all(): Watcher[] {
    return [...this.#byKey.values(), ...this.#byRange.values()].flatMap((group) => [...group]);
  }

  #groupOf({ range }: Watcher): { map: Map<string, Set<Watcher>>; name: string; set: Set<Watcher> } {
    const map = range.single ? this.#byKey : this.#byRange;
    // The length keeps apart what a separator could not: keys may hold any byte.
    const name = range.single ? range.start : `${range.start.length}:${range.start}${range.end ?? ''}`;
    return { map, name, set: map.get(name) ?? new Set() };
  }

  #arm(): void {
    this.#timer ??= this.#clock.setTimer(() => this.#markProgress(), this.#progressMs);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #markProgress(): void {
    this.#timer = undefined;
    for (const watcher of this.#all()) watcher.markProgress(this.#now);
  }
}
