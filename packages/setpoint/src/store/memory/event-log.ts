import type { Revision } from '../port.ts';
import type { Version } from './version.ts';

/** All changes of one revision, in the order in which the transaction made them. */
export interface LoggedRevision {
  readonly revision: Revision;
  readonly events: readonly Version[];
}

/** What happened, revision by revision without a gap, back to the last compaction. */
export class EventLog {
  /** The changes of `#first` and those that followed it. Nearly all revisions have one, which then needs no list. */
  #revisions: (Version | readonly Version[])[] = [];
  #first: Revision = 0n;

  /** The oldest revision that is known. */
  get first(): Revision | undefined {
    return this.#revisions.length > 0 ? this.#first : undefined;
  }

  append({ revision, events }: LoggedRevision): void {
    if (this.#revisions.length === 0) this.#first = revision;
    this.#revisions.push(events.length === 1 ? events[0]! : events.slice());
  }

  /** The entry at `revision`, or undefined when that lies outside what is known. */
  at(revision: Revision): LoggedRevision | undefined {
    const events = revision < this.#first ? undefined : this.#revisions[Number(revision - this.#first)];
    return events && { revision, events: eventsOf(events) };
  }

  /**
   * Forgets what lies before `revision` and returns the changes that this concerns: those up to and including it. Of
   * `revision` itself a watch may still ask, and gets each key's last change without what it replaced, as in etcd.
   */
  compact(revision: Revision): readonly Version[] {
    if (this.#revisions.length === 0 || revision < this.#first) return [];
    const gone = this.#revisions.splice(0, Number(revision - this.#first) + 1);
    const last = gone.at(-1)!;
    this.#first = revision;
    this.#revisions.unshift(Array.isArray(last) ? lastOfEachKey(last) : last);
    const changes = gone.flatMap(eventsOf);
    for (const change of changes) change.replaced = undefined;
    return changes;
  }
}

function eventsOf(logged: Version | readonly Version[]): readonly Version[] {
  return Array.isArray(logged) ? (logged as readonly Version[]) : [logged as Version];
}

function lastOfEachKey(events: readonly Version[]): Version[] {
  const last = new Map(events.map((event) => [event.text, event]));
  return events.filter((event) => last.get(event.text) === event);
}
