import { SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import type { LazyAbort } from '../internal/lazy-abort.ts';
import { Deadlines } from './deadlines.ts';
import { failure, type Outcome, outcomeOf } from './outcome.ts';

/** What an attempt is told of its time, and its end. */
export interface TimedAttempt {
  /** Aborts when the time is up, and when the controller stops. */
  readonly abort: LazyAbort;
  /** The time is up; the signal has just aborted. */
  timedOut(): void;
  /** The grace is up too: from now on the function is a zombie that holds its key. */
  overdue(): void;
  /** The function has really returned. */
  ended(outcome: Outcome): void;
}

export interface AttemptRunsOptions {
  readonly clock: Clock;
  /** When an attempt's signal aborts. Infinity: never. */
  readonly timeoutMs: number;
  /** How long after that the worker slot is freed, although the function has not returned. */
  readonly graceMs: number;
}

interface Run {
  readonly attempt: TimedAttempt;
  readonly free: Deferred<void>;
}

/**
 * Calls functions, each under a deadline. A function can't be killed: at its deadline it is asked to stop by its signal,
 * after the grace its slot is taken away, and only its own return ends the attempt.
 */
export class AttemptRuns {
  readonly #timeoutMs: number;
  readonly #timeouts: Deadlines<Run>;
  readonly #graces: Deadlines<Run>;
  /** Every run whose function has not returned. */
  readonly #running = new Set<Run>();
  #idle: Deferred<void> | undefined;

  constructor({ clock, timeoutMs, graceMs }: AttemptRunsOptions) {
    this.#timeoutMs = timeoutMs;
    this.#timeouts = new Deadlines(clock, timeoutMs, (run) => this.#timeIsUp(run));
    this.#graces = new Deadlines(clock, graceMs, ({ attempt, free }) => {
      attempt.overdue();
      free.resolve();
    });
  }

  /** Calls `work` in this turn. Resolves when the worker slot may be used for another key. Never rejects. */
  start(attempt: TimedAttempt, work: () => unknown): Promise<void> {
    const run: Run = { attempt, free: deferred() };
    this.#running.add(run);
    this.#timeouts.add(run);
    void this.#follow(run, work);
    return run.free.promise;
  }

  /** Aborts all that run. */
  abort(reason: unknown): void {
    for (const { attempt } of this.#running) attempt.abort.abort(reason);
  }

  /** Resolves when every function that was called has returned. */
  ended(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }

  /** Whichever way `work` fails, by a throw or a rejection, is the same. */
  async #follow(run: Run, work: () => unknown): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = outcomeOf(await work());
    } catch (error) {
      outcome = failure(error);
    }
    this.#timeouts.delete(run);
    this.#graces.delete(run);
    run.free.resolve();
    try {
      run.attempt.ended(outcome);
    } finally {
      this.#running.delete(run);
      if (this.#running.size === 0) this.#idle?.resolve();
    }
  }

  #timeIsUp(run: Run): void {
    this.#graces.add(run);
    run.attempt.abort.abort(new SetpointError('Timeout', `the reconcile did not end within ${this.#timeoutMs} ms`));
    run.attempt.timedOut();
  }
}
