import PQueue from 'p-queue';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { IsolatedEmitter } from '../internal/isolated-emitter.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { systemRandom } from '../internal/random.ts';
import { TimeSlice } from '../internal/time-slice.ts';
import type { Source, SourceFailure, SourceSink } from '../source/index.ts';
import { type CauseInput, namespaceOf, WorkQueue } from '../workqueue/index.ts';
import { Attempts } from './attempts.ts';
import { controllerMetrics } from './controller-metrics.ts';
import {
  checkConcurrency,
  type ControllerLimits,
  controllerLimits,
  type ControllerOptions,
} from './controller-options.ts';
import { type Explanation, explanationOf } from './explanation.ts';
import { FailureLog } from './failure-log.ts';
import { guardedLimiter } from './guarded-limiter.ts';
import { HandOutGate } from './hand-out-gate.ts';
import { type HotKey, HotKeys } from './hot-keys.ts';
import type { PauseScope } from './pauses.ts';
import type { ControllerEvents, RunningAttempt } from './report.ts';
import { RunHistory } from './run-history.ts';
import { startSources } from './source-set.ts';

/**
 * Sources, a queue, a pool of workers and one reconciler. Runnable, once.
 *
 * Guarantees: never more than `concurrency` attempts within their time, never two of one key; no attempt before every
 * source is synced; every key that is handed out is released exactly once, when its function has really returned; a
 * failure of any kind is counted, logged and tried again later.
 *
 * Stopping: no further key is handed out, the signals of running attempts abort at once (as controller-runtime
 * cancels its context), and `run` resolves when the last function has returned, however long that takes: the manager
 * sets the limit. What is still queued is dropped, because the next start looks at everything anyway.
 */
export class Controller {
  readonly name: string;
  /** The backlog. To be looked into, and to add keys to by hand: {@link Controller.enqueue} says why as well. */
  readonly queue: WorkQueue;
  readonly #limits: ControllerLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #failures: FailureLog;
  readonly #events: IsolatedEmitter<ControllerEvents>;
  readonly #metrics: ReturnType<typeof controllerMetrics>;
  /** Runs what it is given at once: a key is only taken from the queue when a slot is free, so nothing waits here. */
  readonly #pool: PQueue;
  readonly #attempts: Attempts;
  readonly #sources: Source[];
  readonly #sink: SourceSink;
  readonly #started: Deferred<void> = deferred();
  readonly #slice: TimeSlice;
  readonly #hotKeys: HotKeys;
  readonly #gate: HandOutGate;
  readonly #history: RunHistory;
  /** From the first start of the sources on, by `warmUp` or by `run`. */
  #feeding: { readonly life: LinkedAbort; readonly synced: Promise<void> } | undefined;
  /** From `run` on: what attempts end with. */
  #life: LinkedAbort | undefined;
  #handingOut = false;
  /** Lets other work of the process run; the one who began the rest hands out after it. */
  #resting = false;

  constructor(options: ControllerOptions) {
    const { name, clock = systemClock, logger, metrics, rateLimiter } = options;
    const { random = systemRandom, fairness = { flowOf: namespaceOf } } = options;
    this.#limits = controllerLimits(options);
    this.name = name;
    this.#clock = clock;
    this.#logger = steadyLogger(logger).child({ controller: name });
    this.#failures = new FailureLog(clock);
    this.#events = new IsolatedEmitter((error, event) =>
      this.#failures.failed(this.#logger, error, { event }, 'a listener failed'),
    );
    this.#slice = new TimeSlice(clock);
    this.#metrics = controllerMetrics(metrics, name);
    this.#pool = new PQueue({ concurrency: checkConcurrency(name, options.concurrency ?? 1) });
    this.#metrics.maxConcurrent.set(this.#pool.concurrency);
    this.queue = new WorkQueue({
      name,
      clock,
      ...(rateLimiter ? { rateLimiter: guardedLimiter(rateLimiter, (error) => this.#limiterFailed(error)) } : {}),
      ...(metrics ? { metrics } : {}),
      ...(fairness ? { fairness } : {}),
    });
    this.#history = new RunHistory(options.history);
    this.#hotKeys = new HotKeys(clock, (hot) => this.#hot(hot));
    this.#gate = new HandOutGate(this.queue, this.#hotKeys);
    this.#attempts = new Attempts({
      controller: name,
      reconcile: options.reconcile,
      queue: this.queue,
      limits: this.#limits,
      clock,
      random,
      logger: this.#logger,
      metrics: this.#metrics,
      failures: this.#failures,
      history: this.#history,
      onEnd: (job) => this.#hotKeys.ended(job.key, job.causes, job.writes),
      emit: (event, payload) => this.#events.hears(event) && this.#events.emit(event, payload()),
    });
    this.#sources = [...options.sources];
    this.#sink = {
      enqueue: (key, notes) => this.queue.add(key, notes),
      report: (error, during) => this.#sourceFailed(error, during),
    };
    if (options.onReconciled) this.on('reconciled', options.onReconciled);
    this.#started.promise.catch(() => {}); // run() rejects with it
  }

  /** How many keys are worked on at once. Lowering it lets running attempts end. */
  get concurrency(): number {
    return this.#pool.concurrency;
  }

  set concurrency(value: number) {
    this.#pool.concurrency = checkConcurrency(this.name, value);
    this.#metrics.maxConcurrent.set(value);
    this.#handOut();
  }

  /** Whether everything is paused. */
  get paused(): boolean {
    return this.#gate.closed;
  }

  /** The namespaces and keys that are paused, beside everything. */
  get pausedScopes(): readonly PauseScope[] {
    return this.#gate.scopes;
  }

  /**
   * Hands out no further key, of everything or of `scope`; keys still queue up and coalesce, and running attempts go
   * on. Lasts until {@link Controller.resume} or the end of the process.
   *
   * @throws Invalid for a scope that is none.
   */
  pause(scope?: PauseScope): void {
    this.#gate.pause(scope);
  }

  /** Ends the pause of `scope`; without one, every pause. What was wanted meanwhile is handed out now. */
  resume(scope?: PauseScope): void {
    this.#gate.resume(scope);
    this.#handOut();
  }

  /** Asks for a reconcile of `key` by hand: at once, and without counting as a failure. */
  enqueue(key: string, cause: CauseInput = { type: 'manual' }): void {
    this.queue.add(key, { cause });
  }

  /** Says why `key` ran, runs or waits. */
  explain(key: string): Explanation {
    return explanationOf({
      key,
      running: this.#attempts.running(key),
      queued: this.queue.look(key),
      dampedMs: this.#hotKeys.dampedMs(key),
      runs: this.#history.of(key),
      paused: this.#gate.isPaused(key),
      holdUp: this.#holdUp(),
    });
  }

  /** Every attempt whose function has not returned, the longest-running first. */
  running(): readonly RunningAttempt[] {
    return this.#attempts.all();
  }

  /** Adds a source. While the controller runs it starts at once, and the promise resolves when it is synced. */
  async watch(source: Source): Promise<void> {
    this.#sources.push(source);
    if (this.#feeding) await this.#start([source], this.#feeding.life.signal);
  }

  /** Listens until the returned function is called. Listeners that throw are logged, and hurt nobody. */
  on<Name extends keyof ControllerEvents>(
    event: Name,
    listener: (payload: ControllerEvents[Name]) => unknown,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /** Resolves when the sources are synced and the workers have started; rejects when they can't. */
  ready(): Promise<void> {
    return this.#started.promise;
  }

  /** Resolves when the sources are synced, be it by `warmUp` or by `run`, which comes first; rejects when they can't. */
  async warm(): Promise<void> {
    await this.#feeding?.synced;
  }

  /**
   * For a standby: starts the sources and lets the queue fill, without a reconcile before {@link Controller.run}, which
   * then begins at once. Resolves when `signal` has aborted; the sources end then too.
   */
  async warmUp(signal: AbortSignal): Promise<void> {
    if (this.#feeding) throw this.#startedBefore();
    const { life, synced } = this.#feed(signal);
    await Promise.race([synced, aborted(life.signal)]);
    await aborted(life.signal);
    life.unlink();
    if (!this.#life) this.#empty();
  }

  /** Resolves when `signal` has aborted and every attempt has returned. Rejects when a source can't start or sync. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#life) throw this.#startedBefore();
    const life = linkedAbort(signal);
    this.#life = life;
    const feeding = this.#feeding ?? this.#feed(life.signal);
    const stopped = aborted(life.signal);
    const releases = [
      this.queue.onReady(() => this.#handOut()),
      this.#metrics.activeWorkers.read(() => this.#pool.pending),
      this.#metrics.damped.read(() => this.#hotKeys.damped),
    ];
    try {
      await Promise.race([feeding.synced, stopped]);
      this.#handingOut = !life.signal.aborted;
      this.#started.resolve();
      this.#handOut();
      await stopped;
    } catch (error) {
      this.#started.reject(error);
      life.abort(error);
      throw error;
    } finally {
      this.#handingOut = false;
      feeding.life.abort(life.signal.reason);
      this.queue.shutDown();
      await this.#attempts.ended();
      life.unlink();
      feeding.life.unlink();
      for (const release of releases) release();
      this.#empty();
    }
  }

  /** Starts the sources, whose feed ends with `signal`. */
  #feed(signal: AbortSignal) {
    const life = linkedAbort(signal);
    const synced = this.#start(this.#sources, life.signal);
    synced.catch(() => {}); // whoever awaits it is told
    this.#feeding = { life, synced };
    return this.#feeding;
  }

  #start(sources: readonly Source[], signal: AbortSignal): Promise<void> {
    const { cacheSyncTimeoutMs: timeoutMs } = this.#limits;
    return startSources(sources, { controller: this.name, sink: this.#sink, signal, clock: this.#clock, timeoutMs });
  }

  #startedBefore(): SetpointError {
    return new SetpointError('Invalid', `controller '${this.name}' was started before; make a new one to start again`);
  }

  #empty(): void {
    this.queue.shutDown();
    for (let key = this.queue.tryGet(); key !== undefined; key = this.queue.tryGet()) this.queue.done(key);
  }

  #sourceFailed(error: unknown, during: SourceFailure): void {
    this.#metrics.sourceFailed(during);
    this.#failures.failed(this.#logger, error, during, `a source's ${during.stage} failed; it goes on`);
  }

  #limiterFailed(error: unknown): void {
    this.#failures.failed(this.#logger, error, {}, 'the rate limiter failed; its key is tried again after a while');
  }

  #hot(hot: HotKey): void {
    this.#metrics.hot(hot.kind);
    this.#logger.warn(hot, HOT_MESSAGES[hot.kind]);
    this.#events.emit('hot', hot);
  }

  /** Why nothing is handed out just now. */
  #holdUp(): string | undefined {
    if (!this.#life) return 'The controller has not been started to reconcile: it stands by.';
    if (!this.#handingOut) return 'The controller waits for its caches, or stops.';
    const { pending, concurrency } = this.#pool;
    return pending >= concurrency ? `All ${concurrency} workers are busy.` : undefined;
  }

  /** Gives every free slot a key. Called whenever there may be a new key or a new slot. */
  #handOut(): void {
    while (this.#handingOut && !this.#gate.closed && !this.#resting && this.#pool.pending < this.#pool.concurrency) {
      const key = this.queue.tryGet();
      if (key === undefined) return;
      if (this.#gate.admits(key)) this.#work(key);
      else if (this.#slice.due()) return this.#nextTurn();
    }
  }

  #work(key: string): void {
    const { signal } = this.#life!;
    void this.#pool.add(() => this.#attempts.start(key, signal)).then(this.#nextTurn);
  }

  /** Reconciles that do no I/O would otherwise follow each other without letting anything else run. */
  readonly #nextTurn = (): void => {
    if (this.#slice.due() && !this.#resting) void this.#rest();
    else this.#handOut();
  };

  async #rest(): Promise<void> {
    this.#resting = true;
    await this.#slice.rest();
    this.#resting = false;
    this.#handOut();
  }
}

const HOT_MESSAGES: Readonly<Record<HotKey['kind'], string>> = {
  hot: 'a key is reconciled very often',
  'self-trigger':
    'a reconcile triggers itself: what it writes changes each time, in the fields named, and it is slowed down',
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
