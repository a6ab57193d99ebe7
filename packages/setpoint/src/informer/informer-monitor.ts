import type { AuditFinding } from './audit-pass.ts';
import type { Clock, Timer } from '../internal/clock.ts';
import { ErrorLog } from '../internal/error-log.ts';
import { IsolatedEmitter } from '../internal/isolated-emitter.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Revision } from '../store/port.ts';
import { informerMetrics } from './informer-metrics.ts';
import type { ListSummary } from './informer-cache.ts';
import type { EventsOf, InformerCounts, InformerFailure, InformerPhase, ObjectEvents } from './informer-events.ts';
import type { MassDelete } from './mass-delete.ts';
import type { QuarantinedKey } from './quarantine.ts';

/** client-go says so when its streaming list takes as long. */
const SLOW_LIST_MS = 10_000;

/**
 * What an informer tells of itself: lifecycle events, log lines, counts, how fresh it is. Every failure is counted,
 * told as `error` and logged, the log at a bounded rate.
 */
export class InformerMonitor {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #errorLog: ErrorLog;
  readonly #events: IsolatedEmitter<EventsOf<unknown>>;
  readonly #failures: Record<InformerFailure['during'], number>;
  readonly #metrics: ReturnType<typeof informerMetrics>;
  #lists = 0;
  #audits = 0;
  #divergedKeys = 0;
  #massDeletes = 0;
  #slowList: Timer | undefined;
  #phase: InformerPhase = 'idle';
  /** The cache was whole and was found not to be any more. */
  #lost = false;
  #stalledSince: number | undefined;
  #provedAt: number;

  constructor(name: string, clock: Clock, logger: Logger, metrics: Metrics) {
    this.#name = name;
    this.#metrics = informerMetrics(metrics, name);
    this.#provedAt = clock.now();
    this.#clock = clock;
    this.#logger = logger;
    this.#failures = { list: 0, watch: 0, audit: 0, handler: 0, filter: 0, index: 0, transform: 0, listener: 0 };
    this.#errorLog = new ErrorLog(logger, clock);
    // A failing listener is not told as `error`: its own failure could be the next one.
    this.#events = new IsolatedEmitter((error, event) => this.#record({ during: 'listener', error }, { event }));
    this.#events.on('error', (failure) => this.#record(failure));
  }

  get phase(): InformerPhase {
    return this.#phase;
  }

  get stalledSince(): number | undefined {
    return this.#stalledSince;
  }

  get metrics(): ReturnType<typeof informerMetrics> {
    return this.#metrics;
  }

  /** Milliseconds since the cache was last proved to have everything; before that, since the informer was made. */
  get unprovedMs(): number {
    return this.#clock.now() - this.#provedAt;
  }

  counts(drops: { readonly stale: number; readonly foreign: number }): InformerCounts {
    const { list, watch, audit, handler, filter, index, transform, listener } = this.#failures;
    return {
      lists: this.#lists,
      staleEvents: drops.stale,
      foreignKeys: drops.foreign,
      storeFailures: list + watch,
      audits: this.#audits,
      divergedKeys: this.#divergedKeys,
      auditFailures: audit,
      handlerErrors: handler,
      filterErrors: filter,
      indexErrors: index,
      transformErrors: transform,
      massDeletes: this.#massDeletes,
      listenerErrors: listener,
    };
  }

  on<Name extends keyof EventsOf<unknown>>(
    event: Name,
    listener: (payload: EventsOf<unknown>[Name]) => unknown,
  ): () => void {
    return this.#events.on(event, listener);
  }

  tell<Name extends keyof ObjectEvents<unknown>>(event: Name, payload: ObjectEvents<unknown>[Name]): void {
    this.#events.emit(event, payload as EventsOf<unknown>[Name]);
  }

  fail(failure: InformerFailure): void {
    this.#events.emit('error', failure);
  }

  enter(phase: InformerPhase, revision: Revision): void {
    if (phase === 'backing-off') this.fresh(false);
    if (phase === this.#phase || this.#phase === 'stopped') return;
    this.#phase = phase;
    this.#slowList?.cancel();
    this.#slowList = phase === 'listing' ? this.#clock.setTimer(() => this.#tellSlowList(), SLOW_LIST_MS) : undefined;
    this.#events.emit('phase', { phase, revision });
  }

  /** The store has just shown that the cache has everything. */
  proved(): void {
    this.#provedAt = this.#clock.now();
    this.fresh(true);
  }

  /** The connection has just shown that the cache can be fresh, or that it may not be. */
  fresh(proved: boolean): void {
    if (proved === (this.#stalledSince === undefined)) return;
    this.#stalledSince = proved ? undefined : this.#clock.now();
    this.#events.emit('freshness', { stalledSince: this.#stalledSince });
  }

  listed(summary: ListSummary, size: number): void {
    const { revision, reason } = summary;
    this.#lists++;
    this.#metrics.listed(reason);
    this.#logger.info({ informer: this.#name, reason, revision: String(revision), size }, 'listed');
    if (this.#lists > 1) this.#events.emit('relist', summary);
    if (this.#lists > 1 && !this.#lost) return;
    this.#lost = false;
    this.#events.emit('synced', { revision, size });
  }

  audited(finding: AuditFinding): void {
    const { revision, divergedKeys, comparedKeys, examples } = finding;
    this.#audits++;
    this.#divergedKeys += divergedKeys;
    this.#metrics.audited(divergedKeys);
    if (divergedKeys === 0) return this.proved();
    this.#lost = true;
    const fields = { informer: this.#name, revision: String(revision), divergedKeys, comparedKeys };
    const keys = examples.map(({ key }) => key);
    this.#logger.warn({ ...fields, keys }, 'the cache differs from the store, which lost events: listing again');
    this.#events.emit('divergence', finding);
  }

  historyReset(lastRevision: Revision, message: string): void {
    this.#lost = true;
    this.#logger.warn({ informer: this.#name, lastRevision: String(lastRevision) }, message);
    this.#events.emit('history-reset', { lastRevision });
  }

  quarantined(entry: QuarantinedKey): void {
    const { key, modRevision, error } = entry;
    const fields = { informer: this.#name, key, revision: String(modRevision) };
    this.#errorLog.write(error, fields, 'a stored value can not be read');
    this.#events.emit('quarantine', entry);
  }

  healed(key: string, revision: Revision): void {
    this.#events.emit('healed', { key, revision });
  }

  massDelete(found: MassDelete): void {
    const { revision, deleted, of } = found;
    this.#massDeletes++;
    const fields = { informer: this.#name, revision: String(revision), deleted, of };
    this.#logger.error(fields, 'most of the cache went at once: handlers are held until the informer is released');
    this.#events.emit('mass-delete', found);
  }

  released(revision: Revision): void {
    this.#events.emit('release', { revision });
  }

  #tellSlowList(): void {
    const waitedMs = SLOW_LIST_MS;
    this.#logger.warn(
      { informer: this.#name, waitedMs },
      'a list takes long; what is cached stays as it was until then',
    );
  }

  ranAgain(): void {
    this.#logger.warn({ informer: this.#name }, 'the informer is running already: the second run is the first one');
  }

  #record({ error, ...where }: InformerFailure, more: object = {}): void {
    this.#failures[where.during]++;
    this.#metrics.failed(where.during);
    this.#errorLog.write(
      error,
      { informer: this.#name, ...where, ...more },
      `the informer lives on after a failure in ${where.during}`,
    );
  }
}
