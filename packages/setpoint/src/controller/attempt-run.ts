import { SetpointError } from '../errors/index.ts';
import { type Clock, type Timer } from '../internal/clock.ts';
import { deferred } from '../internal/deferred.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { failure, type Outcome, outcomeOf } from './outcome.ts';

export interface AttemptRunOptions {
  readonly clock: Clock;
  /** When the attempt's signal aborts. Infinity: never. */
  readonly timeoutMs: number;
  /** How long after that the worker slot is freed, although the function has not returned. */
  readonly graceMs: number;
  /** Aborts the attempt with its reason: the controller is stopping. */
  readonly stop: AbortSignal;
  /** The time is up; the signal has just aborted. */
  readonly onTimeout: () => void;
  /** The grace is up too: from now on the function is a zombie that holds its key. */
  readonly onOverdue: () => void;
}

/** A function on its way. Both promises always resolve, `free` not after `ended`; neither rejects. */
export interface AttemptRun {
  /** The worker slot may be used for another key. */
  readonly free: Promise<void>;
  /** The function has really returned. */
  readonly ended: Promise<Outcome>;
}

/**
 * Calls `work` once, under a deadline. A function can't be killed: at its deadline it is asked to stop by its signal,
 * after the grace its slot is taken away, and only its own return ends the attempt.
 */
export function runAttempt(work: (signal: AbortSignal) => unknown, options: AttemptRunOptions): AttemptRun {
  const { clock, timeoutMs, graceMs } = options;
  const free = deferred();
  const abort = linkedAbort(options.stop);
  let timer: Timer | undefined;

  const overdue = (): void => {
    options.onOverdue();
    free.resolve();
  };
  const timeout = (): void => {
    timer = clock.setTimer(overdue, graceMs);
    abort.abort(new SetpointError('Timeout', `the reconcile did not end within ${timeoutMs} ms`));
    options.onTimeout();
  };
  const end = (outcome: Outcome): Outcome => {
    timer?.cancel();
    abort.unlink();
    free.resolve();
    return outcome;
  };

  if (Number.isFinite(timeoutMs)) timer = clock.setTimer(timeout, timeoutMs);
  const ended = call(work, abort.signal).then(outcomeOf, failure).then(end);
  return { free: free.promise, ended };
}

/** Calls `work` in this turn. Whichever way it fails, by a throw or a rejection, becomes the same rejection. */
async function call(work: (signal: AbortSignal) => unknown, signal: AbortSignal): Promise<unknown> {
  return work(signal);
}
