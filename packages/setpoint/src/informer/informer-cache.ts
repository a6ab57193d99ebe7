import type { TimeSlice } from '../internal/time-slice.ts';
import type { KeyValue, Revision, WatchBatch, WatchEvent } from '../store/port.ts';
import type { ChangeRecord } from './audit-pass.ts';
import { addChanges, type CacheChange } from './change.ts';
import { type EntryDecoder, isUnreadable, type Unreadable } from './entry-decoder.ts';
import type { Indexer } from './indexer.ts';
import type { Entry } from './lister.ts';
import { Quarantine, type QuarantinedKey, quarantinedKey } from './quarantine.ts';
import type { ListReason, ListStage, ReflectorSink } from './reflector-state.ts';
import { StagedList } from './staged-list.ts';

/** What a finished list changed. */
export interface ListSummary {
  readonly reason: ListReason;
  readonly revision: Revision;
  readonly added: number;
  readonly updated: number;
  readonly deleted: number;
}

/** Who hears of what happens in a cache. No function may throw. */
export interface CacheObserver<T> {
  /**
   * The cache has just moved on to `revision` and these changes led there. Called in the same synchronous stretch;
   * the promise says when every handler that is quick enough was told, and holds the next batch up until then.
   */
  changed(changes: readonly CacheChange<T>[], signal: AbortSignal): Promise<void>;
  listed(summary: ListSummary): void;
  /** History is another one: what is cached is of the old one until the next `listed`. */
  reset(lastRevision: Revision): void;
  quarantined(entry: QuarantinedKey): void;
  healed(key: string, revision: Revision): void;
}

/** Events that were not taken in, and why. */
export interface DropCounts {
  /** At or before what the key, or the whole cache, had already seen. */
  stale: number;
  /** Of a key outside the prefix. */
  foreign: number;
}

/** An event of this prefix with its value read; without a state it is a delete. */
interface ReadEvent<T> {
  readonly key: string;
  readonly modRevision: Revision;
  readonly state: Entry<T> | Unreadable | undefined;
}

/** What taking a batch in led to. */
interface Taken<T> {
  readonly changes: CacheChange<T>[];
  readonly notices: (() => void)[];
}

/**
 * What a reflector feeds: turns lists and batches into entries, each batch and each list in one synchronous step, and
 * into the changes that handlers are told. It reads values (slowly, in slices) before that step and calls no user
 * code within it but index functions.
 */
export class InformerCache<T> implements ReflectorSink {
  readonly entries: Indexer<T>;
  readonly quarantine = new Quarantine();
  readonly drops: DropCounts = { stale: 0, foreign: 0 };
  readonly #decoder: EntryDecoder<T>;
  readonly #slice: TimeSlice;
  readonly #observer: CacheObserver<T>;
  #revision: Revision = 0n;
  #complete = false;
  #lists = 0;
  /** A reset was told, and no list of the new history has come to its end. */
  #reset = false;
  readonly #records = new Set<{ readonly keys: Set<string>; replaced: boolean }>();

  constructor(entries: Indexer<T>, decoder: EntryDecoder<T>, slice: TimeSlice, observer: CacheObserver<T>) {
    this.entries = entries;
    this.#decoder = decoder;
    this.#slice = slice;
    this.#observer = observer;
  }

  /** Everything of the prefix up to here is in. 0 before the first list. Falls only by a history reset. */
  get revision(): Revision {
    return this.#revision;
  }

  /** How many lists have replaced the cache: what came in between was not seen one by one. */
  get lists(): number {
    return this.#lists;
  }

  /** The cache is a whole list of the present history, and what followed. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The revision of the present state of a key, also of one that can't be read. */
  knownRevision(key: string): Revision | undefined {
    return this.quarantine.get(key)?.modRevision ?? this.entries.entry(key)?.modRevision;
  }

  /** Every key with a present state. Live. */
  *knownKeys(): Generator<string> {
    yield* this.entries.keys();
    for (const { key } of this.quarantine.list()) if (!this.entries.has(key)) yield key;
  }

  /** What the cache calls a key: for one that it has, its own text and no copy. */
  nameOf(bytes: Uint8Array): string {
    const name = this.#decoder.nameOf(bytes);
    return this.entries.entry(name)?.key ?? name;
  }

  /** Notes what changes from now on. */
  record(): ChangeRecord {
    const record = { keys: new Set<string>(), replaced: false, stop: (): void => void this.#records.delete(record) };
    this.#records.add(record);
    return record;
  }

  /** The cache was found to be wrong: it isn't complete before the next list. */
  distrust(): void {
    this.#complete = false;
  }

  beginList(reason: ListReason): ListStage {
    if (reason === 'history-reset' && this.#revision > 0n && !this.#reset) {
      this.#complete = false;
      this.#reset = true;
      this.#observer.reset(this.#revision);
    }
    const staged = new StagedList<T>(this.entries, this.#decoder, reason !== 'history-reset');
    return {
      add: (page, signal) => this.#stage(staged, page, signal),
      commit: (revision, signal) => this.#commit(staged, reason, revision, signal),
    };
  }

  async apply(batch: WatchBatch, signal: AbortSignal): Promise<void> {
    if (this.#slice.due()) await this.#slice.rest();
    const read: ReadEvent<T>[] = [];
    for (const event of batch.events) {
      const one = this.#read(event);
      if (one) read.push(one);
      if (this.#slice.due()) await this.#slice.rest();
    }
    if (signal.aborted) return;
    const taken = this.#takeIn(read);
    if (batch.revision > this.#revision) this.#revision = batch.revision;
    const told = this.#observer.changed(taken.changes, signal);
    for (const notice of taken.notices) notice();
    await told;
  }

  async #stage(staged: StagedList<T>, page: readonly KeyValue[], signal: AbortSignal): Promise<void> {
    for (const kv of page) {
      if (this.#decoder.owns(kv.key)) staged.add(kv);
      else this.drops.foreign++;
      if (this.#slice.due()) await this.#slice.rest();
      if (signal.aborted) return;
    }
  }

  async #commit(staged: StagedList<T>, reason: ListReason, revision: Revision, signal: AbortSignal): Promise<void> {
    for (const entry of this.entries.entries()) {
      staged.compare(entry, revision);
      if (this.#slice.due()) await this.#slice.rest();
    }
    if (signal.aborted) return;
    const quarantine = this.quarantine.list();
    this.entries.replace(staged.entries);
    this.quarantine.replace(staged.quarantine);
    this.#revision = revision;
    this.#complete = true;
    this.#lists++;
    this.#reset = false;
    for (const record of this.#records) record.replaced = true;
    const told = this.#observer.changed(staged.changes, signal);
    this.#observer.listed({ reason, revision, ...staged.counts });
    this.#tellQuarantineSince(quarantine, revision);
    await told;
  }

  #tellQuarantineSince(before: readonly QuarantinedKey[], revision: Revision): void {
    const known = new Map(before.map((entry) => [entry.key, entry.modRevision]));
    for (const entry of this.quarantine.list()) {
      if (known.get(entry.key) !== entry.modRevision) this.#observer.quarantined(entry);
      known.delete(entry.key);
    }
    for (const key of known.keys()) this.#observer.healed(key, revision);
  }

  /** The event with its value read; undefined when it isn't to be taken in. */
  #read(event: WatchEvent): ReadEvent<T> | undefined {
    const { key: bytes, modRevision } = event.kv;
    if (!this.#decoder.owns(bytes)) {
      this.drops.foreign++;
      return undefined;
    }
    if (modRevision <= this.#revision) {
      this.drops.stale++;
      return undefined;
    }
    const name = this.#decoder.nameOf(bytes);
    // The text that the cache has already is hashed, and need not be kept twice.
    const cached = this.entries.entry(name);
    const key = cached?.key ?? name;
    const state = event.type === 'put' ? this.#decoder.decode(event.kv, key, cached) : undefined;
    return { key, modRevision, state };
  }

  /** The one synchronous step of a batch. Nobody is told before it is over: half a revision is never seen. */
  #takeIn(events: readonly ReadEvent<T>[]): Taken<T> {
    const taken: Taken<T> = { changes: [], notices: [] };
    /** What the batch itself deleted: the cache has nothing to compare with any more. */
    let deleted: Map<string, Revision> | undefined;
    for (const { key, modRevision, state } of events) {
      const before = this.entries.entry(key);
      const known = this.quarantine.get(key)?.modRevision ?? (before ? undefined : deleted?.get(key));
      if (known === undefined ? before?.isAtLeast(modRevision) : modRevision <= known) {
        this.drops.stale++;
        continue;
      }
      for (const record of this.#records) record.keys.add(key);
      const after = state && isUnreadable(state) ? this.#isolate(state, before, taken) : state;
      if (after === state && this.quarantine.delete(key)) {
        taken.notices.push(() => this.#observer.healed(key, modRevision));
      }
      if (!state) (deleted ??= new Map()).set(key, modRevision);
      if (!after) this.entries.delete(key);
      else if (after !== before) this.entries.set(after);
      addChanges(taken.changes, before, after, modRevision);
    }
    return taken;
  }

  /** Puts a key into quarantine and says which state of it to serve. */
  #isolate(state: Unreadable, before: Entry<T> | undefined, { notices }: Taken<T>): Entry<T> | undefined {
    const served = before?.createRevision === state.createRevision ? before : undefined;
    const entry = quarantinedKey(state, served?.modRevision);
    this.quarantine.set(entry);
    notices.push(() => this.#observer.quarantined(entry));
    return served;
  }
}
