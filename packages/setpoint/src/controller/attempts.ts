import { type Clock, systemClock } from '../internal/clock.ts';
import { describeError } from '../internal/describe-error.ts';
import type { Logger } from '../internal/logger.ts';
import type { Random } from '../internal/random.ts';
import type { WorkQueue } from '../workqueue/index.ts';
import { AttemptRuns } from './attempt-run.ts';
import type { controllerMetrics } from './controller-metrics.ts';
import type { ControllerLimits } from './controller-options.ts';
import type { FailureLog } from './failure-log.ts';
import { BLOCKED_MS, Job, recordOf, reportOf, runningAttempt } from './job.ts';
import type { Outcome } from './outcome.ts';
import type { Reconciler } from './reconciler.ts';
import type { ControllerEvents, RunningAttempt } from './report.ts';
import { Requeues } from './requeues.ts';
import type { RunHistory } from './run-history.ts';
import { StallWatch } from './stall-watch.ts';
import { reconcileTracer } from './trace-channels.ts';

/** So many keys are named that may have stopped the event loop. */
const SUSPECTS_MAX = 10;

export interface AttemptsOptions {
  readonly controller: string;
  readonly reconcile: Reconciler;
  readonly queue: WorkQueue;
  readonly limits: ControllerLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: ReturnType<typeof controllerMetrics>;
  readonly failures: FailureLog;
  readonly history: RunHistory;
  /** An attempt has ended by itself, and not because of the stop. */
  readonly onEnd: (job: Job) => void;
  /** Calls `payload` when somebody listens. */
  readonly emit: <Name extends keyof ControllerEvents>(event: Name, payload: () => ControllerEvents[Name]) => void;
}

/**
 * The attempts of a controller, from the hand-out of a key to its release: calls the reconciler under its deadline, and
 * when it has returned, decides what happens to the key, counts, logs, remembers and tells.
 */
export class Attempts {
  readonly #options: AttemptsOptions;
  /** By key, every attempt whose function has not returned, zombies included; the one that began first is first. */
  readonly #running = new Map<string, Job>();
  readonly #runs: AttemptRuns;
  readonly #requeues: Requeues;
  /** Told apart within the process by a number, from those of other processes by a name. */
  readonly #idStart: string;
  #started = 0;
  /** Virtual time does not stand still. */
  readonly #stalls: StallWatch | undefined;
  /** What ends the attempts. */
  #stop: AbortSignal | undefined;
  #overdueCount = 0;

  constructor(options: AttemptsOptions) {
    const { queue, clock, limits, random } = options;
    this.#options = options;
    this.#requeues = new Requeues(queue, clock);
    this.#runs = new AttemptRuns({ ...limits, clock });
    this.#idStart = `${random.uuid()}-`;
    this.#stalls = clock === systemClock ? new StallWatch(clock, BLOCKED_MS, this.#stalled) : undefined;
  }

  running(key: string): RunningAttempt | undefined {
    const job = this.#running.get(key);
    return job && runningAttempt(job, this.#options.clock.now());
  }

  all(): readonly RunningAttempt[] {
    const now = this.#options.clock.now();
    return Array.from(this.#running.values(), (job) => runningAttempt(job, now));
  }

  /** Resolves when every function that was called has returned. */
  ended(): Promise<void> {
    return this.#runs.ended();
  }

  /**
   * Starts an attempt of `key`, which was just handed out and is released when the function has returned. Resolves when
   * the worker is free for another key. Never rejects: the pool would have nobody to tell.
   */
  start(key: string, stop: AbortSignal): Promise<void> {
    const { queue, clock, logger } = this.#options;
    const reconcileId = this.#idStart + String(++this.#started);
    const job = new Job(key, { queue, clock, logger, reconcileId, onBlocked: this.#blocked });
    this.#running.set(key, job);
    this.#stalls?.began();
    this.#endWith(stop, job);
    const timed = {
      abort: job.abort,
      timedOut: () => this.#timedOut(job),
      overdue: () => this.#overdue(job),
      ended: (outcome: Outcome) => this.#settle(job, outcome, stop),
    };
    return this.#runs.start(timed, () => this.#call(job));
  }

  /** One listener for all attempts: a signal looks through all of its listeners to remove one. */
  #endWith(stop: AbortSignal, job: Job): void {
    if (stop.aborted) return job.abort.abort(stop.reason);
    if (this.#stop === stop) return;
    this.#stop = stop;
    stop.addEventListener('abort', () => this.#runs.abort(stop.reason), { once: true });
  }

  #call(job: Job): unknown {
    const { controller, reconcile } = this.#options;
    const { key, causes, attempt, writes, queuedMs } = job;
    const work = (): unknown => attempt.timed(() => reconcile({ key, causes }, attempt));
    job.trace = reconcileTracer(() => ({
      controller,
      key,
      reconcileId: attempt.reconcileId,
      attempt: attempt.attempt,
      causes,
      writes,
      ...(queuedMs === undefined ? {} : { queuedMs }),
    }));
    return job.trace ? job.trace.call(work) : work();
  }

  readonly #blocked = (logger: Logger, blockedMs: number): void => {
    this.#options.metrics.blocked();
    this.#stalls?.explained();
    logger.warn(
      { blockedMs: Math.round(blockedMs) },
      'the reconcile kept the event loop to itself: nothing else of the process ran meanwhile',
    );
  };

  readonly #stalled = (ms: number, ended: readonly string[]): void => {
    const { metrics, logger } = this.#options;
    metrics.stalled();
    // The latest first: who has run for long has mostly waited.
    const suspects = [...new Set([...ended, ...[...this.#running.keys()].toReversed()])];
    const [keys, more] = [suspects.slice(0, SUSPECTS_MAX), Math.max(0, suspects.length - SUSPECTS_MAX)];
    logger.warn(
      { stalledMs: Math.round(ms), keys, more },
      'the event loop stood still: the process was stopped, or something kept it, maybe the reconcile of one of these keys',
    );
  };

  #timedOut(job: Job): void {
    const { metrics, limits } = this.#options;
    const { timeoutMs, graceMs } = limits;
    job.timedOut = true;
    metrics.timedOut();
    job.attempt.logger.warn({ timeoutMs, graceMs }, 'the reconcile has used up its time; its signal is aborted');
  }

  #overdue(job: Job): void {
    const { metrics, clock, emit } = this.#options;
    job.overdue = true;
    metrics.overdue.set(++this.#overdueCount);
    const running = runningAttempt(job, clock.now());
    job.attempt.logger.error(
      { afterMs: running.runningMs },
      'the reconcile ignores its signal; its worker goes on with other keys, its own key is held until it returns',
    );
    emit('overdue', () => running);
  }

  /** The function has returned: decides what happens to its key, and releases it on every path. */
  #settle(job: Job, outcome: Outcome, stop: AbortSignal): void {
    const { controller, queue, clock, metrics, history, onEnd, emit } = this.#options;
    const { key } = job;
    const durationMs = clock.now() - job.startedAt;
    if (job.overdue) metrics.overdue.set(--this.#overdueCount);
    try {
      // Cut short by the stop: no failure of the reconciler, and nothing to try again in this run.
      if (outcome.type === 'error' && stop.aborted) {
        return job.attempt.logger.debug({ err: describeError(outcome.error) }, 'the stop ended a reconcile');
      }
      metrics.ended(outcome, durationMs);
      if (outcome.type === 'error') this.#logFailure(job, outcome);
      this.#requeues.ended(job, outcome);
      onEnd(job);
    } finally {
      this.#running.delete(key);
      this.#stalls?.ended(key);
      history.add(key, recordOf(job, outcome, durationMs));
      queue.done(key);
      job.trace?.ended(outcome);
      emit('reconciled', () => reportOf(controller, job, outcome, durationMs));
    }
  }

  #logFailure({ attempt }: Job, { error, terminal, panic }: Extract<Outcome, { type: 'error' }>): void {
    const message = terminal ? 'the reconcile failed for good' : 'the reconcile failed and is tried again';
    this.#options.failures.failed(attempt.logger, error, { attempt: attempt.attempt, panic }, message);
  }
}
