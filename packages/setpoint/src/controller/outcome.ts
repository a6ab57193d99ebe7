import { isSetpointError } from '../errors/index.ts';
import { checkResult, type Result } from './reconciler.ts';

/** How one attempt ended. Each variant holds exactly what acting on it takes. */
export type Outcome =
  | { readonly type: 'success' }
  | { readonly type: 'requeue_after'; readonly delayMs: number; readonly priority?: number }
  | { readonly type: 'requeue'; readonly priority?: number }
  | {
      readonly type: 'error';
      readonly error: unknown;
      readonly terminal: boolean;
      readonly panic: boolean;
      /** The error said when trying again makes sense. */
      readonly retryAfterMs?: number;
    };

/** The shortest delay of a requeue: what a reconciler that always asks for "at once" is slowed down to. */
export const REQUEUE_FLOOR_MS = 10;

/** Both requests at once: the time that was named wins over the growing one. */
export function outcomeOf(value: unknown): Outcome {
  let result: Result;
  try {
    result = checkResult(value);
  } catch (error) {
    return failure(error);
  }
  const { requeueAfterMs = 0, requeue = false, priority } = result;
  const named = priority === undefined ? {} : { priority };
  if (requeueAfterMs > 0)
    return { type: 'requeue_after', delayMs: Math.max(requeueAfterMs, REQUEUE_FLOOR_MS), ...named };
  return requeue ? { type: 'requeue', ...named } : { type: 'success' };
}

/** Anything can be thrown, also what can't be looked at; a panic is what only a bug throws. Never throws itself. */
export function failure(error: unknown): Outcome {
  try {
    const retryAfterMs = retryAfterOf(error);
    const known = retryAfterMs === undefined ? {} : { retryAfterMs };
    return { type: 'error', error, terminal: isTerminal(error), panic: isPanic(error), ...known };
  } catch {
    return { type: 'error', error, terminal: false, panic: true };
  }
}

/** The outermost that says so counts. */
function retryAfterOf(error: unknown, depth = 0): number | undefined {
  const asked = isSetpointError(error) ? error.details.retryAfterMs : undefined;
  if (asked !== undefined && Number.isFinite(asked) && asked > 0) return asked;
  return error instanceof Error && depth < 8 ? retryAfterOf(error.cause, depth + 1) : undefined;
}

/** Also when it was wrapped on its way up. */
function isTerminal(error: unknown, depth = 0): boolean {
  if (isSetpointError(error, 'Terminal')) return true;
  return error instanceof Error && depth < 8 && isTerminal(error.cause, depth + 1);
}

/** JavaScript has no panics. These come closest; `fetch` reports an unreachable network as a TypeError with a cause. */
function isPanic(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  if (error instanceof TypeError) return error.cause === undefined;
  return error instanceof ReferenceError || error instanceof RangeError;
}
