import { SetpointError } from '../errors/index.ts';
import { watchChannel, type WatchMessage } from '../internal/diagnostics.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { TimeSlice } from '../internal/time-slice.ts';
import type { DeepReadonly } from '../resource/index.ts';
import type { Revision } from '../store/port.ts';
import { ProgressAsker } from '../store/progress-asker.ts';
import { progressRequests } from '../store/progress-requests.ts';
import { Auditor } from './audit.ts';
import type { AuditedCache, AuditFinding } from './audit-pass.ts';
import type { CacheChange } from './change.ts';
import { EntryDecoder } from './entry-decoder.ts';
import type { EventHandler, EventHandlerOptions, HandlerRegistration } from './event-handler.ts';
import { type HandlerErrorListener, HandlerSet } from './handler-set.ts';
import { Indexer } from './indexer.ts';
import { type CacheObserver, InformerCache } from './informer-cache.ts';
import type { EventsOf, InformerCounts, InformerFailure, InformerPhase } from './informer-events.ts';
import { isObjectEvent } from './informer-events.ts';
import type { CacheLag, CacheReadings } from './informer-metrics.ts';
import { InformerMonitor } from './informer-monitor.ts';
import {
  type AnyInformerOptions,
  type InformerOptions,
  type InformerSettings,
  type KeysInformerOptions,
  type TransformingInformerOptions,
  withDefaults,
} from './informer-options.ts';
import { type Lister, readOnly } from './lister.ts';
import { massDeleteIn } from './mass-delete.ts';
import type { QuarantinedKey } from './quarantine.ts';
import { Reflector } from './reflector.ts';
import { UndoLog } from './snapshot.ts';
import type { IndexFunction } from './value-index.ts';
import { Waiters, type WaitOptions } from './waiters.ts';

/** etcd's own cache waits as long. */
const WAIT_FOR_TIMEOUT_MS = 3000;

/**
 * An informer over `options.prefix`. It reads nothing before {@link Informer.run}. With `transform` it caches what that
 * makes of each object, with `keysOnly` no values at all. What it hands out is read-only at every depth, also in type.
 */
export function createInformer(options: KeysInformerOptions): Informer<null>;
export function createInformer<T, Cached>(
  options: TransformingInformerOptions<T, Cached>,
): Informer<DeepReadonly<Cached>>;
export function createInformer<T>(options: InformerOptions<T>): Informer<DeepReadonly<T>>;
export function createInformer<T>(options: AnyInformerOptions<T>): Informer<T> {
  return new Informer(options);
}

/**
 * A cache of everything under one prefix that follows the store, and the handlers that are told of its changes.
 * Shared: one informer serves any number of readers and handlers. What it promises is in this folder's `index.ts`.
 */
export class Informer<T> {
  readonly name: string;
  /** Ends with '/'. */
  readonly prefix: string;
  /** The cache. */
  readonly lister: Lister<T>;
  readonly #options: InformerSettings<T>;
  readonly #cache: InformerCache<T>;
  readonly #handlers: HandlerSet<T>;
  readonly #monitor: InformerMonitor;
  readonly #synced: Waiters;
  readonly #reached: Waiters;
  readonly #progressRequests = progressRequests();
  readonly #progress: ProgressAsker;
  #historyResets = 0;
  /** The newest revision at which an audit found the store. */
  #heardOf: Revision = 0n;
  #running: Promise<void> | undefined;
  #announcing = false;
  readonly #undoLogs = new Set<UndoLog<T>>();
  /** Where the undo logs know the cache to be. */
  #notedRevision: Revision = 0n;
  /** How many lists they know of. */
  #notedLists = 0;

  constructor(options: AnyInformerOptions<T>) {
    this.#options = withDefaults(options);
    const { name, prefix, clock, random, logger, metrics, indexes } = this.#options;
    this.name = name;
    this.prefix = prefix;
    this.#monitor = new InformerMonitor(name, clock, logger, metrics);
    this.#synced = new Waiters(clock);
    this.#reached = new Waiters(clock);
    this.#progress = new ProgressAsker(clock, () => this.#progressRequests.request());
    const slice = new TimeSlice(clock);
    const fail = (failure: InformerFailure): void => this.#monitor.fail(failure);
    const onIndexError = (error: SetpointError, key: string): void => fail({ during: 'index', error, key });
    const onTransformError = (error: unknown, key: string): void => fail({ during: 'transform', error, key });
    const entries = new Indexer<T>({ indexes, onIndexError });
    const onError: HandlerErrorListener = (error, where) => fail({ ...where, error });
    this.#handlers = new HandlerSet<T>({ clock, random, slice, cache: entries, onError });
    const decoder = new EntryDecoder<T>({ ...this.#options, onTransformError });
    this.#cache = new InformerCache(entries, decoder, slice, this.#observer());
    this.lister = readOnly(entries);
  }

  /** Everything of the prefix up to here is in the cache; 0 before the first list. Falls only by a history reset. */
  get revision(): Revision {
    return this.#cache.revision;
  }

  /** How many histories of the store it has given up: one more with each `history-reset`, before the new list is read. */
  get historyResets(): number {
    return this.#historyResets;
  }

  /** Whether the cache is a whole list of the store's present history, an empty one too. */
  get hasSynced(): boolean {
    return this.#cache.complete;
  }

  get phase(): InformerPhase {
    return this.#monitor.phase;
  }

  /**
   * The clock's time since when nothing proved that the cache is fresh: the connection broke, or reading failed. The
   * next list, batch or good connection ends it; undefined then. The cache goes on answering meanwhile.
   */
  get stalledSince(): number | undefined {
    return this.#monitor.stalledSince;
  }

  /** How far the cache may be behind. A prefix without changes is proved anew by progress marks and by the audit. */
  get lag(): CacheLag {
    const behind = this.#heardOf - this.revision;
    return { revisions: behind > 0n ? behind : 0n, ms: this.#monitor.unprovedMs };
  }

  /** The keys whose stored value can't be read, and what the cache serves in their place. */
  get quarantined(): readonly QuarantinedKey[] {
    return this.#cache.quarantine.list();
  }

  get counts(): InformerCounts {
    return this.#monitor.counts(this.#cache.drops);
  }

  /** Resolves when `hasSynced`. Rejects with `Aborted` when the signal aborts, `Closed` when the informer stops. */
  whenSynced(signal?: AbortSignal): Promise<void> {
    return this.#synced.wait(`${this.name} to sync`, () => this.hasSynced, { signal });
  }

  /**
   * Resolves when the cache holds everything up to `revision`, never before. Handlers may not have been told yet. A
   * revision that changed something under the prefix is always reached; for one that changed other keys the store is
   * asked how far it has come, which an etcd before 3.4.31 or 3.5.13 can't be: there it is reached when a later change
   * comes, or a mark after some ten minutes. Rejects with `Timeout` (default after 3 s), `HistoryReset` when revisions
   * start over, `Aborted`, `Closed`.
   */
  waitFor(revision: Revision, { signal, timeoutMs = WAIT_FOR_TIMEOUT_MS }: WaitOptions = {}): Promise<void> {
    const reached = (): boolean => this.hasSynced && this.revision >= revision;
    const wait = this.#reached.wait(`${this.name} to reach revision ${revision}`, reached, {
      timeoutMs,
      signal,
    });
    return reached() ? wait : this.#progress.during(wait);
  }

  /**
   * Adds an index, before or after start; what is cached is filed before it returns. `AlreadyExists` when the name is
   * taken. A function that throws leaves that key out of this index, and is reported.
   */
  addIndex(name: string, values: IndexFunction<T>): void {
    this.#cache.entries.addIndex(name, values);
  }

  /** Adds an index unless this very one is there. `AlreadyExists` when the name is another function's. */
  ensureIndex(name: string, values: IndexFunction<T>): void {
    if (!this.#cache.entries.hasIndex(name, values)) this.addIndex(name, values);
  }

  /**
   * Adds a handler. What is cached is told as adds `inInitialList`, then every change, without a gap or repetition.
   * Its first call comes in a later turn. Throws `Closed` when the informer has stopped.
   */
  addEventHandler(handler: EventHandler<T>, options: EventHandlerOptions<T> = {}): HandlerRegistration {
    return this.#handlers.add(handler, this.#cache.entries.entries(), this.hasSynced, options);
  }

  /**
   * Listens to the informer's lifecycle, or to what happens to objects from now on, until the returned function is
   * called. Listeners can't hurt each other.
   */
  on<Name extends keyof EventsOf<T>>(event: Name, listener: (payload: EventsOf<T>[Name]) => unknown): () => void {
    if (isObjectEvent(event) && !this.#announcing) this.#announce();
    return this.#monitor.on(event, listener as (payload: EventsOf<unknown>[Name]) => unknown);
  }

  /** Whether handlers are held, since most of the cache went at once. The cache and its readers go on. */
  get held(): boolean {
    return this.#handlers.held;
  }

  /** Lets held handlers go on: they are told what there is by then, deletes included. Nothing when none is held. */
  release(): void {
    if (!this.held) return;
    this.#handlers.release();
    this.#monitor.released(this.revision);
  }

  /** For {@link takeSnapshot}: notes from now on how to get back to `revision`, until `forget` is called. */
  remember(revision: Revision): { readonly log: UndoLog<T>; readonly forget: () => void } {
    const log = new UndoLog<T>(this.#cache.entries, revision);
    this.#undoLogs.add(log);
    return { log, forget: () => void this.#undoLogs.delete(log) };
  }

  /** Object events come through a handler like any other, from the first listener on. */
  #announce(): void {
    this.#announcing = true;
    const monitor = this.#monitor;
    const announcer: EventHandler<T> = {
      add: (object, info) => monitor.tell('add', { ...info, object }),
      update: (old, object, info) => monitor.tell('update', { ...info, old, object }),
      delete: (object, info) => monitor.tell('delete', { ...info, object }),
    };
    if (this.phase !== 'stopped') this.#handlers.add(announcer, [], this.hasSynced, { name: 'events' });
  }

  /**
   * Fills the cache and follows the store until `signal` aborts: resolves then, within one turn of the event loop, and
   * no handler is called any more. Rejects with `Closed` when the store is closed. Whatever else happens to the
   * store, it goes on trying. A second call while running warns and is the first one; a stopped informer can't be run
   * again (`Closed`).
   */
  run(signal: AbortSignal): Promise<void> {
    if (this.phase === 'stopped') return Promise.reject(this.#closedError());
    if (this.#running) this.#monitor.ranAgain();
    this.#running ??= this.#follow(signal);
    return this.#running;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const link = linkedAbort(signal);
    link.signal.addEventListener('abort', () => this.#stop(), { once: true });
    const reflector = this.#reflector();
    const hide = this.#monitor.metrics.show(this.#readings());
    try {
      void this.#auditor(reflector)?.run(link.signal);
      await reflector.run(link.signal);
    } finally {
      link.abort(undefined);
      link.unlink();
      hide();
      this.#stop();
    }
  }

  #reflector(): Reflector {
    const { store, prefix, pageSize, keysOnly, clock, random } = this.#options;
    return new Reflector({
      store,
      prefix,
      pageSize,
      keysOnly,
      clock,
      random,
      sink: this.#cache,
      progress: this.#progressRequests,
      onState: ({ phase }) => this.#monitor.enter(phase, this.revision),
      onFailure: (error, during) => this.#monitor.fail({ during, error }),
      onConnection: (error) => this.#monitor.fresh(error === undefined),
    });
  }

  #auditor(reflector: Reflector): Auditor | undefined {
    const { store, prefix, audit: pace, clock, random } = this.#options;
    return (
      pace &&
      new Auditor({
        store,
        prefix,
        cache: this.#audited(),
        pace,
        clock,
        random,
        onFinding: (finding) => this.#judge(finding, reflector),
        onFailure: (error) => this.#monitor.fail({ during: 'audit', error }),
      })
    );
  }

  #readings(): CacheReadings {
    return {
      size: () => this.lister.size,
      quarantined: () => this.#cache.quarantine.size,
      lag: () => this.lag,
      synced: () => this.hasSynced,
      pending: () => this.#handlers.pending,
    };
  }

  #audited(): AuditedCache {
    const cache = this.#cache;
    return {
      record: () => cache.record(),
      knownRevision: (key) => cache.knownRevision(key),
      knownKeys: () => cache.knownKeys(),
      nameOf: (key) => cache.nameOf(key),
      isFollowing: () => this.hasSynced && this.phase === 'watching' && this.stalledSince === undefined,
      reach: (revision, timeoutMs, signal) => {
        this.#heardOf = revision;
        return this.waitFor(revision, { timeoutMs, signal });
      },
    };
  }

  /** Told before it is healed, so that a listener of `divergence` still sees the cache as it was. */
  #judge(finding: AuditFinding, reflector: Reflector): void {
    if (finding.divergedKeys > 0) this.#cache.distrust();
    this.#monitor.audited(finding);
    if (finding.divergedKeys > 0) reflector.distrust();
  }

  #observer(): CacheObserver<T> {
    const monitor = this.#monitor;
    return {
      changed: (changes, signal) => {
        if (watchChannel.hasSubscribers && changes.length > 0) this.#publish(changes.length);
        monitor.proved();
        this.#noteChanges(changes);
        const massDelete =
          this.#options.massDelete && massDeleteIn(changes, this.lister.size, this.#options.massDelete);
        if (massDelete) {
          this.#handlers.hold();
          monitor.massDelete(massDelete);
        }
        this.#synced.check();
        this.#reached.check();
        return this.#handlers.tell(changes, this.hasSynced, signal);
      },
      listed: (summary) => monitor.listed(summary, this.lister.size),
      reset: (lastRevision) => {
        this.#historyResets++;
        const message = `${this.name}: the store's history was reset after revision ${lastRevision}`;
        this.#heardOf = 0n;
        const error = new SetpointError('HistoryReset', message, { details: { revision: lastRevision } });
        this.#reached.fail(error);
        for (const log of this.#undoLogs) log.lose(error);
        monitor.historyReset(lastRevision, message);
      },
      quarantined: (entry) => monitor.quarantined(entry),
      healed: (key, revision) => monitor.healed(key, revision),
    };
  }

  #publish(changes: number): void {
    watchChannel.publish({ informer: this.name, revision: this.revision, changes } satisfies WatchMessage);
  }

  #noteChanges(changes: readonly CacheChange<T>[]): void {
    const { revision, lists } = this.#cache;
    for (const log of this.#undoLogs) log.note(changes, this.#notedRevision, revision, lists !== this.#notedLists);
    this.#notedRevision = revision;
    this.#notedLists = lists;
  }

  #stop(): void {
    if (this.phase === 'stopped') return;
    this.#handlers.close(`${this.name} has stopped`);
    this.#synced.close(this.#closedError());
    this.#reached.close(this.#closedError());
    this.#monitor.enter('stopped', this.revision);
  }

  #closedError(): SetpointError {
    return new SetpointError('Closed', `informer ${this.name} has stopped: create another one`);
  }
}
