/** What {@link untilAborted} rejects with when the signal aborts first. */
const ABORTED = Symbol('aborted');

/** Settles as `work` does, unless the signal aborts first: then this rejects, and `work` goes on without anybody. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(ABORTED);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
