import type { KeyValue, Revision } from '../port.ts';
import type { ByteText } from './byte-text.ts';
import { isTombstone } from './key-history.ts';

/** One change of one key, as the store remembers it for watches. */
export interface LoggedEvent {
  readonly text: ByteText;
  readonly type: 'put' | 'delete';
  readonly kv: KeyValue;
  /** The key just before this revision (not: before this change), if it existed and history still reaches there. */
  readonly prev: KeyValue | undefined;
}

/** All changes of one revision, in the order in which the transaction made them. */
export interface LoggedRevision {
  readonly revision: Revision;
  readonly events: readonly LoggedEvent[];
}

/** What happened, revision by revision without a gap, back to the last compaction. */
export class EventLog {
  #revisions: LoggedRevision[] = [];

  /** The oldest revision that is known. */
  get first(): Revision | undefined {
    return this.#revisions[0]?.revision;
  }

  append(entry: LoggedRevision): void {
    this.#revisions.push(entry);
  }

  /** The entry at `revision`, or undefined when that lies outside what is known. */
  at(revision: Revision): LoggedRevision | undefined {
    const first = this.#revisions[0];
    return first && revision >= first.revision ? this.#revisions[Number(revision - first.revision)] : undefined;
  }

  /**
   * Forgets what lies before `revision` and returns what that changes: the entries up to and including it. Of
   * `revision` itself a watch may still ask, and gets each key's last change without what it replaced, as in etcd.
   */
  compact(revision: Revision): readonly LoggedRevision[] {
    const first = this.#revisions[0];
    if (!first || revision < first.revision) return [];
    const gone = this.#revisions.splice(0, Number(revision - first.revision) + 1);
    const last = gone.at(-1);
    if (last) this.#revisions.unshift({ revision: last.revision, events: lastOfEachKey(last.events) });
    return gone;
  }
}

export function eventOf(text: ByteText, kv: KeyValue, prev: KeyValue | undefined): LoggedEvent {
  return { text, type: isTombstone(kv) ? 'delete' : 'put', kv, prev };
}

function lastOfEachKey(events: readonly LoggedEvent[]): LoggedEvent[] {
  const last = new Map(events.map((event) => [event.text, event]));
  return events.filter((event) => last.get(event.text) === event).map((event) => ({ ...event, prev: undefined }));
}
