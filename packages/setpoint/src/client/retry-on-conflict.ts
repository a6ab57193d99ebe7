import { isSetpointError, SetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { invalid, kindOf } from '../resource/index.ts';

/** See {@link retryOnConflict}. */
export interface RetryOnConflictOptions {
  /** How often to try, at most. Default 30; client-go's 5 are used up by a dozen busy writers of one object. */
  readonly attempts?: number | undefined;
  /** No attempt begins later than this after the first one began. Default: no limit but `attempts`. */
  readonly budgetMs?: number | undefined;
  /** Gives up: nothing is tried any more. An attempt under way has to look at it itself. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The second attempt comes at once after about 5 ms, later ones are spread over up to a second. */
const DELAYS = { baseMs: 5, maxMs: 500 };
const ATTEMPTS = 30;
const SUBJECT = { what: 'retryOnConflict' };

/**
 * Runs `body` again while it fails with `Conflict`: for reads and writes that belong together and that `modify` (one
 * object) and `transaction` (several, as one) don't cover. `body` must read anew each time what it decides on; it is
 * told the number of its attempt, from 1. Everything else that it throws is thrown at once, `OutcomeUnknown` too.
 *
 * Throws `Conflict` when attempts or budget are used up, with the last one as its cause and details; `Aborted` when
 * `signal` aborts between two attempts; `Invalid` for options that make no sense.
 *
 * ```ts
 * await retryOnConflict(async () => {
 *   const web = await websites.get('web');
 *   await websites.update(web, { spec: { ...web.spec, replicas: await wanted(web) } });
 * }, { budgetMs: 5000, signal });
 * ```
 */
export async function retryOnConflict<T>(
  body: (attempt: number) => Promise<T>,
  options: RetryOnConflictOptions = {},
): Promise<T> {
  const { attempts = ATTEMPTS, budgetMs = Infinity, signal, clock = systemClock, random = systemRandom } = options;
  checkOptions(body, attempts, budgetMs);
  const backoff = new Backoff(DELAYS, random);
  const start = clock.now();
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted) throw givenUp(attempt - 1, signal);
    try {
      return await body(attempt);
    } catch (error) {
      if (!isSetpointError(error, 'Conflict')) throw error;
      const delayMs = backoff.next();
      const spentMs = clock.now() - start;
      if (attempt >= attempts) throw tooContended(error, attempt, `${attempts} attempts were allowed`);
      if (spentMs + delayMs > budgetMs) throw tooContended(error, attempt, `the budget was ${budgetMs} ms`);
      await sleep(clock, delayMs, signal, { ref: true });
    }
  }
}

function checkOptions(body: unknown, attempts: unknown, budgetMs: unknown): void {
  if (typeof body !== 'function') throw invalid(SUBJECT, 'body', 'a function to run', kindOf(body));
  const came = (value: unknown): string => (typeof value === 'number' ? String(value) : kindOf(value));
  if (!Number.isSafeInteger(attempts) || (attempts as number) < 1) {
    throw invalid(SUBJECT, 'attempts', 'a whole number of at least 1', came(attempts));
  }
  if (typeof budgetMs !== 'number' || !(budgetMs >= 0)) {
    throw invalid(SUBJECT, 'budgetMs', 'a number of milliseconds of at least 0', came(budgetMs));
  }
}

function tooContended(last: SetpointError, attempts: number, limit: string): SetpointError {
  const tries = attempts === 1 ? 'once' : `${attempts} times`;
  const text = last.message.replace(/^Conflict: /, '');
  const message = `tried ${tries}, and somebody else wrote first each time (${limit}). The last time: ${text}`;
  return new SetpointError('Conflict', message, { cause: last, details: { ...last.details } });
}

function givenUp(attempts: number, signal: AbortSignal): SetpointError {
  const message = `given up after ${attempts} attempts that ended with a conflict: the signal aborted`;
  return new SetpointError('Aborted', message, { cause: signal.reason });
}
