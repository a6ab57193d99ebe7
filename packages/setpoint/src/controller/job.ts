import type { Clock } from '../internal/clock.ts';
import { errorSummary } from '../internal/describe-error.ts';
import { LazyAbort } from '../internal/lazy-abort.ts';
import type { Logger } from '../internal/logger.ts';
import type { Cause, WorkQueue } from '../workqueue/index.ts';
import type { Outcome } from './outcome.ts';
import type { Attempt } from './reconciler.ts';
import type { ReconcileReport, RunningAttempt } from './report.ts';
import { type RunRecord, WRITES_MAX } from './run-history.ts';
import type { ReconcileTracer } from './trace-channels.ts';
import type { Write } from './write.ts';

/** So many writes of one attempt are known to the loop detector; of the further ones only that there were some. */
const WRITES_KNOWN_MAX = 64;

/** So many characters of an error are remembered. */
const ERROR_MAX = 300;

/** What a job is made with. */
export interface JobSurroundings {
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reconcileId: string;
  /** User code kept the event loop for so long. */
  readonly onBlocked: (logger: Logger, ms: number) => void;
}

/** More than this of the event loop at once is told: a lease's keep-alive has to get its turn. */
export const BLOCKED_MS = 200;

/** One key in the hands of the reconciler: made when it was just handed out. */
export class Job {
  readonly key: string;
  readonly causes: readonly Cause[];
  /** What the key was handed out with, and its repetitions keep. */
  readonly priority: number;
  readonly abort = new LazyAbort();
  readonly attempt: Attempt;
  /** By the clock's `now`, and by its wall. */
  readonly startedAt: number;
  readonly startedAtWall: number;
  readonly queuedMs: number | undefined;
  readonly writes: Write[] = [];
  trace: ReconcileTracer | undefined = undefined;
  timedOut = false;
  overdue = false;

  constructor(key: string, surroundings: JobSurroundings) {
    const { queue, clock } = surroundings;
    const since = queue.heldSince(key);
    this.key = key;
    this.causes = queue.heldCauses(key);
    this.priority = queue.heldPriority(key);
    this.startedAt = clock.now();
    this.startedAtWall = clock.wallNow();
    this.queuedMs = since === undefined ? undefined : this.startedAt - since;
    this.attempt = new OwnAttempt(this, surroundings);
  }
}

/** What the reconciler sees of its job. Signal and logger are made when they are asked for. */
class OwnAttempt implements Attempt {
  readonly reconcileId: string;
  readonly attempt: number;
  readonly wrote: Attempt['wrote'];
  readonly timed: Attempt['timed'];
  readonly #job: Job;
  readonly #parentLogger: Logger;
  #logger: Logger | undefined;

  constructor(job: Job, { queue, clock, logger, reconcileId, onBlocked }: JobSurroundings) {
    this.#job = job;
    this.#parentLogger = logger;
    this.reconcileId = reconcileId;
    this.attempt = queue.failures(job.key) + 1;
    this.wrote = (write) => void (job.writes.length < WRITES_KNOWN_MAX && job.writes.push(write));
    this.timed = (work) => {
      const before = clock.now();
      try {
        return work();
      } finally {
        const ms = clock.now() - before;
        if (ms >= BLOCKED_MS) onBlocked(this.logger, ms);
      }
    };
  }

  get signal(): AbortSignal {
    return this.#job.abort.signal;
  }

  get logger(): Logger {
    this.#logger ??= this.#parentLogger.child({ key: this.#job.key, reconcileId: this.reconcileId });
    return this.#logger;
  }
}

export function runningAttempt({ key, attempt, causes, writes, timedOut, overdue, startedAt }: Job, now: number) {
  const { reconcileId, attempt: number } = attempt;
  const running: RunningAttempt = {
    key,
    reconcileId,
    attempt: number,
    runningMs: now - startedAt,
    causes,
    writes: writes.slice(0, WRITES_MAX),
    timedOut,
    overdue,
  };
  return running;
}

export function reportOf(controller: string, job: Job, outcome: Outcome, durationMs: number): ReconcileReport {
  const { key, causes, timedOut, queuedMs } = job;
  const { reconcileId, attempt } = job.attempt;
  const writes = toldWrites(job);
  const report = { controller, key, reconcileId, attempt, outcome, durationMs, causes, writes, timedOut };
  return queuedMs === undefined ? report : { ...report, queuedMs };
}

/** The same, as it is remembered. */
export function recordOf(job: Job, outcome: Outcome, durationMs: number): RunRecord {
  const { causes, timedOut, queuedMs, startedAtWall: startedAt } = job;
  const { reconcileId, attempt } = job.attempt;
  const record: RunRecord = {
    reconcileId,
    attempt,
    startedAt,
    durationMs,
    queuedMs,
    causes,
    writes: toldWrites(job),
    timedOut,
    result: outcome.type,
  };
  if (outcome.type === 'requeue_after') return { ...record, requeueAfterMs: outcome.delayMs };
  if (outcome.type === 'error') return { ...record, error: errorSummary(outcome.error, ERROR_MAX) };
  return record;
}

const NO_WRITES: readonly Write[] = [];

/** Most jobs write nothing, and many are remembered. */
function toldWrites({ writes }: Job): readonly Write[] {
  return writes.length === 0 ? NO_WRITES : writes.slice(0, WRITES_MAX);
}
