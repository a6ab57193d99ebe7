import { SetpointError } from '../errors/index.ts';
import type { Revision } from '../store/port.ts';
import type { CacheChange } from './change.ts';
import type { Indexer } from './indexer.ts';
import type { Entry } from './lister.ts';

/** What a view of the past asks of the present. */
type Live<T> = Pick<Indexer<T>, 'entry' | 'has' | 'keys' | 'size' | 'entriesByIndex' | 'isFiledUnder'>;

/**
 * The states that a cache had at one revision, as far as they differ from what it has now: noted as changes come, so
 * that a view of the past costs as much as what has changed since, and not a copy of everything.
 */
export class UndoLog<T> {
  /** What each key had that changed since; undefined where it had nothing. */
  readonly #then = new Map<string, Entry<T> | undefined>();
  readonly #live: Live<T>;
  readonly revision: Revision;
  /** Why the past can't be told, when it can't. */
  #lost: SetpointError | undefined;

  constructor(live: Live<T>, revision: Revision) {
    this.#live = live;
    this.revision = revision;
  }

  get lost(): SetpointError | undefined {
    return this.#lost;
  }

  /** Takes note of what moved the cache on from `from` to `to`; `skipped`: revisions in between were not seen. */
  note(changes: readonly CacheChange<T>[], from: Revision, to: Revision, skipped: boolean): void {
    if (skipped && from < this.revision && this.revision < to) {
      this.lose(new SetpointError('Compacted', `revision ${this.revision} was skipped by a list at ${to}`));
    }
    for (const { key, before, revision } of changes) {
      if (revision > this.revision && !this.#then.has(key)) this.#then.set(key, before);
    }
  }

  lose(why: SetpointError): void {
    this.#lost ??= why;
  }

  entry(key: string): Entry<T> | undefined {
    return this.#then.has(key) ? this.#then.get(key) : this.#live.entry(key);
  }

  *entries(): Generator<Entry<T>> {
    for (const key of this.#live.keys()) if (!this.#then.has(key)) yield this.#live.entry(key)!;
    for (const entry of this.#then.values()) if (entry) yield entry;
  }

  /** Those that the index filed under the value then. Looks at its bucket and at what has changed since. */
  *byIndex(index: string, value: string): Generator<Entry<T>> {
    for (const entry of this.#live.entriesByIndex(index, value)) if (!this.#then.has(entry.key)) yield entry;
    for (const entry of this.#then.values()) if (entry && this.#live.isFiledUnder(index, value, entry)) yield entry;
  }

  get size(): number {
    let { size } = this.#live;
    for (const [key, entry] of this.#then) size += Number(entry !== undefined) - Number(this.#live.has(key));
    return size;
  }
}

/** A cache as it was at one revision. Stays so until the snapshot is closed. */
export interface SnapshotView<T> {
  get(key: string): T | undefined;
  has(key: string): boolean;
  /** Every object, in no promised order. Looks at each of them. */
  list(): readonly T[];
  keys(): readonly string[];
  readonly size: number;
  /**
   * The objects that the index filed under exactly `value` then. Looks at those that it has there now and at what has
   * changed since. Throws `Invalid` when there is no such index.
   */
  byIndex(index: string, value: string): readonly T[];
  entry(key: string): Entry<T> | undefined;
}

/** What a snapshot needs of an informer. */
export interface SnapshotSource<T> {
  readonly name: string;
  readonly revision: Revision;
  readonly hasSynced: boolean;
  whenSynced(signal?: AbortSignal): Promise<void>;
  waitFor(revision: Revision, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** Notes from now on how to get back to `revision`, until the returned function is called. */
  remember(revision: Revision): { readonly log: UndoLog<T>; readonly forget: () => void };
}

export interface SnapshotOptions {
  /** How long the caches may take to reach one revision, once they have synced. Default 3 s, as `waitFor`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Several caches at one revision. */
export interface Snapshot<Objects extends readonly unknown[]> {
  readonly revision: Revision;
  /** One for each informer, in their order. What they are asked for after {@link Snapshot.close} fails with `Closed`. */
  readonly views: { readonly [At in keyof Objects]: SnapshotView<Objects[At]> };
  /** Lets go of what is remembered for it: until then, each object that changes is kept in its old state too. */
  close(): void;
}

/** A list skipped the revision: the next try has a later one. */
const TRIES_MAX = 5;

/**
 * The caches of several running informers as they were at one revision of the store, however far each has come: what
 * it shows was all true at one moment, across kinds. The caches go on meanwhile.
 *
 * ```ts
 * const { views: [deployments, pods], revision, close } = await takeSnapshot([deploymentInformer, podInformer]);
 * ```
 *
 * The informers have to be of one store. Waits for their first lists, however long these take, and then for those that
 * are behind the one that is furthest. Rejects with `Timeout`, with `HistoryReset` when the store's history starts over,
 * with `Aborted`, with `Closed`.
 */
export async function takeSnapshot<Objects extends readonly unknown[]>(
  informers: readonly [...{ [At in keyof Objects]: SnapshotSource<Objects[At]> }],
  options: SnapshotOptions = {},
): Promise<Snapshot<Objects>> {
  for (let tries = 1; ; tries++) {
    await Promise.all(informers.map((informer) => informer.whenSynced(options.signal)));
    const revision = newest(informers);
    const remembered = informers.map((informer: SnapshotSource<unknown>) => informer.remember(revision));
    const forget = (): void => remembered.forEach((each) => each.forget());
    try {
      await Promise.all(informers.map((informer) => informer.waitFor(revision, options)));
      const lost = remembered.find(({ log }) => log.lost)?.log.lost;
      if (!lost) return snapshotOf(revision, remembered, forget);
      if (lost.code !== 'Compacted' || tries === TRIES_MAX) throw lost;
    } catch (error) {
      forget();
      throw error;
    }
    forget();
  }
}

function snapshotOf<Objects extends readonly unknown[]>(
  revision: Revision,
  remembered: readonly { readonly log: UndoLog<unknown> }[],
  forget: () => void,
): Snapshot<Objects> {
  let closed = false;
  const views = remembered.map(({ log }) => viewOf(log, () => closed));
  return {
    revision,
    views: views as unknown as Snapshot<Objects>['views'],
    close() {
      closed = true;
      forget();
    },
  };
}

function newest(informers: readonly SnapshotSource<unknown>[]): Revision {
  return informers.reduce((most, { revision }) => (revision > most ? revision : most), 0n);
}

function viewOf<T>(log: UndoLog<T>, closed: () => boolean): SnapshotView<T> {
  const open = (): UndoLog<T> => {
    if (closed()) throw new SetpointError('Closed', `the snapshot at revision ${log.revision} was closed`);
    if (log.lost) throw log.lost;
    return log;
  };
  return {
    get: (key) => open().entry(key)?.object,
    has: (key) => open().entry(key) !== undefined,
    list: () => Array.from(open().entries(), ({ object }) => object),
    keys: () => Array.from(open().entries(), ({ key }) => key),
    get size() {
      return open().size;
    },
    byIndex: (index, value) => Array.from(open().byIndex(index, value), ({ object }) => object),
    entry: (key) => open().entry(key),
  };
}
