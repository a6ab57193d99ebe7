import type { Clock } from '../internal/clock.ts';
import { type Cause, type CauseInput, Causes } from './cause.ts';
import { SteadyMap } from './steady-map.ts';

/** What is known of a key beyond that it is wanted. A key without a note is of priority 0 and has no causes. */
interface Note {
  priority: number;
  /** When the first add with a cause came. Undefined: none did. */
  since: number | undefined;
  causes: Causes | undefined;
}

const NO_CAUSES: readonly Cause[] = [];

/**
 * Priorities and causes, from the add of a key to its hand-out, and on to its `done`. A queue whose keys are added
 * without either never makes one of these.
 */
export class KeyNotes<Key> {
  readonly #clock: Clock;
  /** Of the keys that wait, are delayed, or were added while held. */
  readonly #wanted = new SteadyMap<Key, Note>();
  /** Of the keys that are held, as they were handed out. */
  readonly #held = new SteadyMap<Key, Note>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes one more add of `key`, and gives the priority of all that wait: the highest counts. `wasWanted` says whether
   * an earlier add still waits; it matters for negative priorities alone.
   */
  add(key: Key, priority: number, cause: CauseInput | undefined, wasWanted: boolean): number {
    let note = this.#wanted.get(key);
    if (note === undefined) {
      if (cause === undefined && (priority === 0 || (wasWanted && priority < 0))) return 0;
      note = { priority: wasWanted ? Math.max(priority, 0) : priority, since: undefined, causes: undefined };
      this.#wanted.set(key, note);
    } else if (note.priority < priority) note.priority = priority;
    if (cause !== undefined) {
      note.since ??= this.#clock.now();
      note.causes ??= new Causes();
      note.causes.add(cause);
    }
    return note.priority;
  }

  /** The priority of the adds that wait. */
  priority(key: Key): number {
    return this.#wanted.get(key)?.priority ?? 0;
  }

  handedOut(key: Key): void {
    const note = this.#wanted.get(key);
    if (note === undefined) return;
    this.#wanted.delete(key);
    this.#held.set(key, note);
  }

  /**
   * What was noted at the hand-out counts as not yet handed out. `wasWanted` says whether there was an add since: it
   * may have been of priority 0, which is not noted.
   */
  putBack(key: Key, wasWanted: boolean): void {
    const held = this.#held.get(key);
    const later = this.#wanted.get(key);
    if (held === undefined && later === undefined) return;
    const priorities = [held?.priority ?? 0, wasWanted ? (later?.priority ?? 0) : -Infinity];
    const causes = held?.causes ?? later?.causes;
    if (later?.causes !== undefined && later.causes !== causes) causes?.addAll(later.causes);
    this.#wanted.set(key, { priority: Math.max(...priorities), since: held?.since ?? later?.since, causes });
  }

  done(key: Key): void {
    this.#held.delete(key);
  }

  /** Forgets the wanted keys that `isDropped`. */
  drop(isDropped: (key: Key) => boolean): void {
    for (const key of this.#wanted.keys()) if (isDropped(key)) this.#wanted.delete(key);
  }

  heldPriority(key: Key): number {
    return this.#held.get(key)?.priority ?? 0;
  }

  heldSince(key: Key): number | undefined {
    return this.#held.get(key)?.since;
  }

  heldCauses(key: Key): readonly Cause[] {
    return this.#held.get(key)?.causes?.list() ?? NO_CAUSES;
  }

  /** What the adds that wait come to; without them, what the key was handed out with. */
  look(key: Key): { readonly priority: number; readonly since: number | undefined; readonly causes: readonly Cause[] } {
    const note = this.#wanted.get(key) ?? this.#held.get(key);
    return { priority: note?.priority ?? 0, since: note?.since, causes: note?.causes?.list() ?? NO_CAUSES };
  }

  get size(): number {
    return this.#wanted.size + this.#held.size;
  }
}
