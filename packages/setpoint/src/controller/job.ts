import type { Clock } from '../internal/clock.ts';
import { errorSummary } from '../internal/describe-error.ts';
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

/** One key in the hands of the reconciler. */
export interface Job {
  readonly key: string;
  readonly causes: readonly Cause[];
  /** What the key was handed out with, and its repetitions keep. */
  readonly priority: number;
  readonly attempt: Omit<Attempt, 'signal'>;
  /** By the clock's `now`, and by its wall. */
  readonly startedAt: number;
  readonly startedAtWall: number;
  readonly queuedMs: number | undefined;
  readonly writes: Write[];
  trace: ReconcileTracer | undefined;
  timedOut: boolean;
  overdue: boolean;
}

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
const BLOCKED_MS = 200;

/** The job of a key that was just handed out. */
export function jobOf(key: string, { queue, clock, logger, reconcileId, onBlocked }: JobSurroundings): Job {
  const own = logger.child({ key, reconcileId });
  const writes: Write[] = [];
  const since = queue.heldSince(key);
  const startedAt = clock.now();
  return {
    key,
    causes: queue.heldCauses(key),
    priority: queue.heldPriority(key),
    attempt: {
      logger: own,
      reconcileId,
      attempt: queue.failures(key) + 1,
      wrote: (write) => void (writes.length < WRITES_KNOWN_MAX && writes.push(write)),
      timed(work) {
        const before = clock.now();
        try {
          return work();
        } finally {
          const ms = clock.now() - before;
          if (ms >= BLOCKED_MS) onBlocked(own, ms);
        }
      },
    },
    startedAt,
    startedAtWall: clock.wallNow(),
    queuedMs: since === undefined ? undefined : startedAt - since,
    writes,
    trace: undefined,
    timedOut: false,
    overdue: false,
  };
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
  const writes = job.writes.slice(0, WRITES_MAX);
  return {
    controller,
    key,
    reconcileId,
    attempt,
    outcome,
    durationMs,
    causes,
    writes,
    timedOut,
    ...(queuedMs === undefined ? {} : { queuedMs }),
  };
}

export function recordOf(job: Job, { outcome, ...report }: ReconcileReport): RunRecord {
  const { reconcileId, attempt, durationMs, causes, writes, timedOut } = report;
  return {
    reconcileId,
    attempt,
    startedAt: job.startedAtWall,
    durationMs,
    causes,
    writes,
    timedOut,
    result: outcome.type,
    ...(report.queuedMs === undefined ? {} : { queuedMs: report.queuedMs }),
    ...(outcome.type === 'requeue_after' ? { requeueAfterMs: outcome.delayMs } : {}),
    ...(outcome.type === 'error' ? { error: errorSummary(outcome.error, ERROR_MAX) } : {}),
  };
}
