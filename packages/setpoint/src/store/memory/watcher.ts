import { type Deferred, deferred } from '../../internal/deferred.ts';
import type { Revision, WatchBatch, WatchEvent, WatchRequest } from '../port.ts';
import { inRange, type TextRange, textRange } from './byte-text.ts';
import type { EventLog, LoggedRevision } from './event-log.ts';
import { compactedError } from './transaction.ts';
import { isTombstone, keyValueOf, type Version } from './version.ts';

/** How many undelivered revisions of a live watch survive a compaction: the length of etcd's own channel. */
const KEPT_BY_COMPACTION = 128;

export interface WatcherOptions {
  readonly log: EventLog;
  /** The store's revision when the watch begins. */
  readonly now: Revision;
  /** How many revisions one batch carries at most. */
  readonly batchRevisions: number;
  /** Called when the consumer has been given everything that was pending. */
  readonly onDrained: (watcher: Watcher) => void;
  readonly onEnd: (watcher: Watcher) => void;
}

/**
 * One watch. It is behind (reading history from `#next` on, one batch ahead of the consumer) or live (told of every
 * new revision by {@link offer}). What waits for the consumer are references into the history, never copies.
 */
export class Watcher implements AsyncIterator<WatchBatch> {
  readonly range: TextRange;
  readonly #request: WatchRequest;
  readonly #options: WatcherOptions;
  /** Revisions with matching events that the consumer has not been given yet. */
  #pending: LoggedRevision[] = [];
  /** The first revision that has not been looked at. While live: the first that may be delivered. */
  #next: Revision;
  #live = false;
  /** A progress mark that waits for the consumer. */
  #mark: Revision | undefined;
  /** Up to where the consumer knows everything. */
  #told: Revision;
  readonly #waiters: Deferred<IteratorResult<WatchBatch>>[] = [];
  /** Set once it is over: nothing more arrives, and `error` is thrown once after what is pending. */
  #end: { error: unknown } | undefined;

  constructor(request: WatchRequest, options: WatcherOptions) {
    this.range = textRange(request);
    this.#request = request;
    this.#options = options;
    const start = request.startRevision || undefined;
    this.#next = start ?? options.now + 1n;
    this.#told = this.#next - 1n;
    if (start === undefined) this.#mark = options.now;
    if (this.#next <= options.now) this.#readHistory();
    else this.#live = true;
  }

  /** Whether it has nothing to deliver but does not know yet that the store has come to `now`. */
  isIdleBefore(now: Revision): boolean {
    return this.#live && this.#pending.length === 0 && this.#told < now;
  }

  /** A new revision. */
  offer(entry: LoggedRevision): void {
    if (!this.#live || entry.revision < this.#next || !this.#matches(entry)) return;
    this.#pending.push(entry);
    this.#serve();
  }

  /** Says that everything up to `revision` has been delivered, if that is so and news. */
  markProgress(revision: Revision): void {
    if (!this.isIdleBefore(revision)) return;
    this.#mark = revision;
    this.#serve();
  }

  /** History before `revision` is going. What the consumer would still have to read from it ends the watch. */
  compact(revision: Revision): void {
    if (this.#live) {
      const lost = this.#pending[KEPT_BY_COMPACTION];
      if (!lost || lost.revision >= revision) return;
      this.#pending.length = KEPT_BY_COMPACTION;
      this.finish(compactedError(lost.revision, revision));
    } else if (this.#next < revision) {
      this.finish(compactedError(this.#next, revision));
    }
  }

  /** No more arrives. An `error` is thrown after what is pending. */
  finish(error?: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#options.onEnd(this);
    this.#serve();
  }

  /** Ends at once: what is pending is dropped, and an end that was not told yet gives way to this one. */
  stop(error?: unknown): void {
    this.#pending = [];
    this.#mark = undefined;
    if (this.#end) this.#end.error = error;
    this.finish(error);
  }

  next(): Promise<IteratorResult<WatchBatch>> {
    const waiter = deferred<IteratorResult<WatchBatch>>();
    this.#waiters.push(waiter);
    this.#serve();
    return waiter.promise;
  }

  return(): Promise<IteratorResult<WatchBatch>> {
    this.stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Gives waiting consumers what there is. */
  #serve(): void {
    while (this.#waiters.length > 0) {
      const batch = this.#take();
      if (batch) {
        this.#told = batch.revision;
        this.#waiters.shift()!.resolve({ done: false, value: batch });
        if (this.#pending.length === 0 && !this.#end) this.#drained();
      } else if (this.#end) {
        const { error } = this.#end;
        this.#end.error = undefined;
        const waiter = this.#waiters.shift()!;
        if (error === undefined) waiter.resolve({ done: true, value: undefined });
        else waiter.reject(error);
      } else return;
    }
  }

  #take(): WatchBatch | undefined {
    // Before what is pending: it was set when nothing was, so all of that is newer.
    const mark = this.#mark;
    this.#mark = undefined;
    if (mark !== undefined) return { revision: mark, events: [] };
    if (this.#pending.length === 0) return undefined;
    const entries = this.#pending.splice(0, this.#options.batchRevisions);
    const events = entries.flatMap((entry) => entry.events.filter(this.#isWanted).map(this.#toEvent));
    return { revision: entries.at(-1)!.revision, events };
  }

  #drained(): void {
    if (!this.#live) this.#readHistory();
    if (this.#pending.length === 0) this.#options.onDrained(this);
  }

  /** Reads on in history for one batch, and goes live at its end. */
  #readHistory(): void {
    const { log, batchRevisions } = this.#options;
    // The revision that an empty store begins with has no entry.
    if (log.first !== undefined && this.#next < log.first) this.#next = log.first;
    while (this.#pending.length < batchRevisions) {
      const entry = log.at(this.#next);
      if (!entry) {
        this.#live = true;
        return;
      }
      this.#next++;
      if (this.#matches(entry)) this.#pending.push(entry);
    }
  }

  #matches(entry: LoggedRevision): boolean {
    return entry.events.some(this.#isWanted);
  }

  readonly #isWanted = (event: Version): boolean =>
    typeOf(event) !== this.#request.exclude && inRange(this.range, event.text);

  readonly #toEvent = (event: Version): WatchEvent => {
    const told = { type: typeOf(event), kv: keyValueOf(event) };
    return this.#request.prevKv && event.replaced ? { ...told, prevKv: keyValueOf(event.replaced) } : told;
  };
}

function typeOf(event: Version): WatchEvent['type'] {
  return isTombstone(event) ? 'delete' : 'put';
}
