import { SetpointError } from '../errors/index.ts';
import type { Logger } from '../internal/logger.ts';
import type { Cause } from '../workqueue/index.ts';
import type { Write } from './write.ts';

/**
 * What to look at: a key, and never an event. Requests for one key coalesce, so a reconciler can't know how many
 * changes there were, nor of which kind, and does not need to.
 */
export interface Request {
  /** `namespace/name`, or `name` for a kind that has no namespaces. */
  readonly key: string;
  /**
   * Why, as far as is known: merged and bounded. For logs and for people; a decision that depends on it is wrong
   * sooner or later, because a cause can be missing.
   */
  readonly causes: readonly Cause[];
}

/**
 * What a reconciler is given beside its request. It belongs to one attempt and ends with it. Take what you need by name:
 * some of it is made when it is asked for, and a copy (`{ ...attempt }`) lacks that.
 */
export interface Attempt {
  /** Aborts when the attempt has used up its time (`Timeout`) or the controller stops (`Closed`). */
  readonly signal: AbortSignal;
  /** Carries controller, key and reconcileId in every line. */
  readonly logger: Logger;
  /** Unique to this attempt. */
  readonly reconcileId: string;
  /** 1, plus one for each failure of this key since it last went well, those before its time left aside. */
  readonly attempt: number;
  /**
   * Tells of a write that this attempt made, for `explain` and for finding loops. Writes through the client of a
   * reconcile context are told already.
   */
  readonly wrote: (write: Write) => void;
  /**
   * Calls `work` and returns what it returns. When that keeps the event loop for 200 ms or more, before its first
   * `await`, the log names this attempt. The reconciler itself is called so.
   */
  readonly timed: <T>(work: () => T) => T;
}

/** How an attempt that did not fail asks to be run again. Nothing asked: not before something changes. */
export interface Result {
  /**
   * Run again after so many milliseconds (10 at least), even if nothing changes: for what no event tells of. Arm it in every
   * reconcile that wants it, because any earlier run of the key replaces it. 0 or less asks for nothing.
   */
  readonly requeueAfterMs?: number;
  /** Run again, later and later each time, as after a failure but without being one: "not done yet". */
  readonly requeue?: boolean;
  /** The priority of that run. Default: the one that this run had. */
  readonly priority?: number;
}

/**
 * Makes the world match what is wanted, for one key: read the desired state, observe the actual one, act on the
 * difference. It starts from nothing but the key each time, so it may be run at any moment, any number of times, also
 * when nothing or everything changed, and also for an object that is gone.
 *
 * How it ends says what happens next:
 *
 * | it                                   | means               | and then                                           |
 * | ------------------------------------ | ------------------- | -------------------------------------------------- |
 * | returns nothing                      | done                | failures forgotten; runs again when something changes |
 * | returns `{ requeueAfterMs: 60_000 }` | done, look again    | failures forgotten; runs again after that time     |
 * | returns `{ requeue: true }`          | not done yet        | runs again, each time later: 5 ms, 10 ms … 1000 s  |
 * | throws, anything                     | failed              | logged, counted; runs again, each time later       |
 * | throws with `details.retryAfterMs`   | failed, told when   | as any failure, but not before that time           |
 * | throws {@link terminal}`(error)`     | failed for good     | logged, counted; runs again when something changes |
 *
 * Never two at once for one key. It gets 30 s by default; then its signal aborts, and its key is not run again until
 * it has really returned.
 *
 * ```ts
 * const reconcile: Reconciler = async ({ key }, { signal }) => {
 *   const desired = websites.lister.get(key);
 *   if (!desired) return; // gone: its servers are collected by their owner reference
 *   const missing = desired.spec.replicas - countServers(key);
 *   for (let i = 0; i < missing; i++) await startServer(key, { signal });
 *   if (missing > 0) return { requeueAfterMs: 1000 }; // nothing tells us when they are up, so look again
 * };
 * ```
 */
export type Reconciler = (request: Request, attempt: Attempt) => Promise<Result | void> | Result | void;

/**
 * Marks a failure that trying again can't mend, such as a spec that contradicts itself. The reconcile is counted as
 * failed and not repeated until something changes: `throw terminal(new Error('spec.port is taken'))`.
 */
export function terminal(cause: unknown): SetpointError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SetpointError('Terminal', message, { cause });
}

const RESULT_FIELDS: readonly string[] = ['requeueAfterMs', 'requeue', 'priority'] satisfies (keyof Result)[];

/** What a reconciler returned, as a Result; throws `Invalid` for what can't be one. TypeScript saw it before, JavaScript didn't. */
export function checkResult(value: unknown): Result {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object') throw invalid(`nothing or an object; got ${typeof value}`);
  const unknown = Object.keys(value).find((field) => !RESULT_FIELDS.includes(field));
  if (unknown !== undefined) throw invalid(`only ${RESULT_FIELDS.join(', ')}; got a field '${unknown}'`);
  const { requeueAfterMs, requeue, priority } = value as Result;
  if (requeueAfterMs !== undefined && !Number.isFinite(requeueAfterMs)) {
    const got = typeof requeueAfterMs === 'number' ? String(requeueAfterMs) : typeof requeueAfterMs;
    throw invalid(`requeueAfterMs as a finite number of milliseconds, or left out for never; got ${got}`);
  }
  if (requeue !== undefined && typeof requeue !== 'boolean')
    throw invalid(`requeue as a boolean; got ${typeof requeue}`);
  if (priority !== undefined && !Number.isSafeInteger(priority))
    throw invalid(`priority as an integer; got ${typeof priority === 'number' ? String(priority) : typeof priority}`);
  return value;
}

function invalid(expected: string): SetpointError {
  return new SetpointError('Invalid', `a reconciler's result must be ${expected}`);
}
