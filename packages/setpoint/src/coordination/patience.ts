import { isSetpointError, SetpointError } from '../errors/index.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Session } from './session.ts';

/** How long to wait for something. */
export interface Patience {
  /** Gives it up: fails with `Aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Gives it up after so long: fails with `Timeout`. Default: waits for ever. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs `work` under a signal that aborts when patience is at its end or the session is. What is given up for one of
 * these reasons fails as `Aborted`, `Timeout`, `SessionExpired` or, after a close, `Closed`. Throws `Invalid` for a
 * time limit that is none.
 */
export async function patiently<T>(
  what: string,
  session: Session,
  { signal, timeoutMs }: Patience,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs !== undefined && !(timeoutMs >= 0))
    throw new SetpointError('Invalid', `${what}: timeoutMs must be a number of milliseconds; got ${timeoutMs}`);
  session.assertAlive();
  const link = linkedAbort(signal, session.signal);
  const late = new SetpointError('Timeout', `${what} was not to be had within ${timeoutMs} ms`);
  const timer = timeoutMs === undefined ? undefined : session.clock.setTimer(() => link.abort(late), timeoutMs);
  try {
    return await work(link.signal);
  } catch (error) {
    session.assertAlive();
    const { aborted, reason } = link.signal as { aborted: boolean; reason: unknown };
    if (!aborted || (isSetpointError(error) && error.code === 'Internal')) throw error;
    if (reason === late) throw late;
    throw new SetpointError('Aborted', `gave up waiting for ${what}`, { cause: reason });
  } finally {
    timer?.cancel();
    link.unlink();
  }
}
