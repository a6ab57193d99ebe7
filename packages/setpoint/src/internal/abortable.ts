import { letManyListen } from './many-listeners.ts';

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it aborts, for work that may not listen to
 * the signal itself. The work goes on; what becomes of it is dropped, its rejection too. Nothing stays attached to
 * the signal afterwards.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else {
      letManyListen(signal);
      signal.addEventListener('abort', abort, { once: true });
    }
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
