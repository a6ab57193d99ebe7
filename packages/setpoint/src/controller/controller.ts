import PQueue from 'p-queue';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { describeError } from '../internal/describe-error.ts';
import { IsolatedEmitter } from '../internal/isolated-emitter.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import { type Logger, silentLogger } from '../internal/logger.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { TimeSlice } from '../internal/time-slice.ts';
import type { Source, SourceFailure, SourceSink } from '../source/index.ts';
import { WorkQueue } from '../workqueue/index.ts';
import { runAttempt } from './attempt-run.ts';
import { controllerMetrics } from './controller-metrics.ts';
import {
  checkConcurrency,
  type ControllerLimits,
  controllerLimits,
  type ControllerOptions,
  type ControllerEvents,
} from './controller-options.ts';
import { FailureLog } from './failure-log.ts';
import type { Outcome } from './outcome.ts';
import type { Attempt } from './reconciler.ts';
import { startSources } from './source-set.ts';

/** One key in the hands of the reconciler. */
interface Job {
  readonly key: string;
  readonly attempt: Omit<Attempt, 'signal'>;
  readonly startedAt: number;
  timedOut: boolean;
  overdue: boolean;
}

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
  /** The backlog. To be looked into, and to add keys to by hand. */
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #limits: ControllerLimits;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #failures: FailureLog;
  readonly #events: IsolatedEmitter<ControllerEvents>;
  readonly #metrics: ReturnType<typeof controllerMetrics>;
  /** Runs what it is given at once: a key is only taken from the queue when a slot is free, so nothing waits here. */
  readonly #pool: PQueue;
  /** Every function that has not returned, zombies included. */
  readonly #running = new Set<Promise<void>>();
  readonly #sources: Source[];
  readonly #sink: SourceSink;
  readonly #started: Deferred<void> = deferred();
  readonly #slice: TimeSlice;
  /** From the start on: what sources and attempts end with. */
  #life: LinkedAbort | undefined;
  #handingOut = false;
  #paused = false;
  /** Lets other work of the process run; the one who began the rest hands out after it. */
  #resting = false;
  #overdueCount = 0;

  constructor(options: ControllerOptions) {
    const { name, clock = systemClock, random = systemRandom, logger = silentLogger, metrics, rateLimiter } = options;
    this.#limits = controllerLimits(options);
    this.name = name;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger.child({ controller: name });
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
      ...(rateLimiter ? { rateLimiter } : {}),
      ...(metrics ? { metrics } : {}),
    });
    this.#sources = [...options.sources];
    this.#sink = {
      enqueue: (key) => this.queue.add(key),
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

  get paused(): boolean {
    return this.#paused;
  }

  /** Hands out no further key; keys still queue up, and running attempts go on. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#handOut();
  }

  /** Adds a source. While the controller runs it starts at once, and the promise resolves when it is synced. */
  async watch(source: Source): Promise<void> {
    this.#sources.push(source);
    if (this.#life) await this.#start([source], this.#life.signal);
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

  /** Resolves when `signal` has aborted and every attempt has returned. Rejects when a source can't start or sync. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#life)
      throw new SetpointError('Invalid', `controller '${this.name}' was started before; make a new one to start again`);
    const life = linkedAbort(signal);
    this.#life = life;
    const stopped = new Promise<void>((resolve) => {
      if (life.signal.aborted) resolve();
      life.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const releases = [
      this.queue.onReady(() => this.#handOut()),
      this.#metrics.activeWorkers.read(() => this.#pool.pending),
    ];
    try {
      await this.#start(this.#sources, life.signal);
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
      this.queue.shutDown();
      await Promise.all(this.#running);
      life.unlink();
      for (const release of releases) release();
      for (let key = this.queue.tryGet(); key !== undefined; key = this.queue.tryGet()) this.queue.done(key);
    }
  }

  #start(sources: readonly Source[], signal: AbortSignal): Promise<void> {
    const { cacheSyncTimeoutMs: timeoutMs } = this.#limits;
    return startSources(sources, { controller: this.name, sink: this.#sink, signal, clock: this.#clock, timeoutMs });
  }

  #sourceFailed(error: unknown, during: SourceFailure): void {
    this.#metrics.sourceFailed(during);
    this.#failures.failed(this.#logger, error, during, `a source's ${during.stage} failed; it goes on`);
  }

  /** Gives every free slot a key. Called whenever there may be a new key or a new slot. */
  #handOut(): void {
    while (this.#handingOut && !this.#paused && !this.#resting && this.#pool.pending < this.#pool.concurrency) {
      const key = this.queue.tryGet();
      if (key === undefined) return;
      void this.#pool.add(() => this.#work(key)).then(() => this.#slotFreed());
    }
  }

  /** Reconciles that do no I/O would otherwise follow each other without letting anything else run. */
  async #slotFreed(): Promise<void> {
    if (this.#slice.due() && !this.#resting) {
      this.#resting = true;
      await this.#slice.rest();
      this.#resting = false;
    }
    this.#handOut();
  }

  /** Resolves when the slot is free. Never rejects: the pool would have nobody to tell. */
  #work(key: string): Promise<void> {
    const job = this.#job(key);
    const { timeoutMs, graceMs } = this.#limits;
    const run = runAttempt((signal) => this.#options.reconcile({ key }, { ...job.attempt, signal }), {
      clock: this.#clock,
      timeoutMs,
      graceMs,
      stop: this.#life!.signal,
      onTimeout: () => this.#timedOut(job),
      onOverdue: () => this.#overdue(job),
    });
    const ended = run.ended.then((outcome) => {
      this.#running.delete(ended);
      this.#settle(job, outcome);
    });
    this.#running.add(ended);
    return run.free;
  }

  #job(key: string): Job {
    const reconcileId = this.#random.uuid();
    const logger = this.#logger.child({ key, reconcileId });
    const attempt = { logger, reconcileId, attempt: this.queue.failures(key) + 1 };
    return { key, attempt, startedAt: this.#clock.now(), timedOut: false, overdue: false };
  }

  #timedOut(job: Job): void {
    job.timedOut = true;
    this.#metrics.timedOut();
    const { timeoutMs, graceMs } = this.#limits;
    job.attempt.logger.warn({ timeoutMs, graceMs }, 'the reconcile has used up its time; its signal is aborted');
  }

  #overdue(job: Job): void {
    job.overdue = true;
    this.#metrics.overdue.set(++this.#overdueCount);
    job.attempt.logger.error(
      { afterMs: this.#clock.now() - job.startedAt },
      'the reconcile ignores its signal; its worker goes on with other keys, its own key is held until it returns',
    );
  }

  /** The function has returned: decides what happens to its key, and releases it on every path. */
  #settle(job: Job, outcome: Outcome): void {
    const { key } = job;
    const durationMs = this.#clock.now() - job.startedAt;
    if (job.overdue) this.#metrics.overdue.set(--this.#overdueCount);
    try {
      // Cut short by the stop: no failure of the reconciler, and nothing to try again in this run.
      if (outcome.type === 'error' && this.#life!.signal.aborted) {
        return job.attempt.logger.debug({ err: describeError(outcome.error) }, 'the stop ended a reconcile');
      }
      this.#metrics.ended(outcome, durationMs);
      this.#requeue(job, outcome);
    } finally {
      this.queue.done(key);
      const { reconcileId, attempt } = job.attempt;
      const { timedOut } = job;
      const controller = this.name;
      this.#events.emit('reconciled', { controller, key, reconcileId, attempt, outcome, durationMs, timedOut });
    }
  }

  #requeue(job: Job, outcome: Outcome): void {
    const { key } = job;
    if (outcome.type === 'requeue') return this.queue.addRateLimited(key);
    if (outcome.type === 'error') {
      const { terminal, panic } = outcome;
      if (!terminal) this.queue.addRateLimited(key);
      const message = terminal ? 'the reconcile failed for good' : 'the reconcile failed and is tried again';
      return this.#failures.failed(job.attempt.logger, outcome.error, { attempt: job.attempt.attempt, panic }, message);
    }
    this.queue.forget(key);
    if (outcome.type === 'requeue_after') this.queue.addAfter(key, outcome.delayMs);
  }
}
