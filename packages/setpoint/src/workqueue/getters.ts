import { deferred, type Deferred } from '../internal/deferred.ts';
import { letManyListen } from '../internal/many-listeners.ts';

/**
 * The callers who wait for a key, the longest-waiting first. Each is answered exactly once: with a key, or with
 * undefined when its signal aborts or all are dismissed.
 */
export class Getters<Key> {
  readonly #waiting = new Set<Deferred<Key | undefined>>();

  get size(): number {
    return this.#waiting.size;
  }

  wait(signal?: AbortSignal): Promise<Key | undefined> {
    const getter = deferred<Key | undefined>();
    this.#waiting.add(getter);
    if (signal === undefined) return getter.promise;
    const leave = (): void => {
      if (this.#waiting.delete(getter)) getter.resolve(undefined);
    };
    letManyListen(signal);
    signal.addEventListener('abort', leave, { once: true });
    return getter.promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Answers the one that waits longest. Only to be called while `size` is above 0. */
  answer(key: Key | undefined): void {
    for (const getter of this.#waiting) {
      this.#waiting.delete(getter);
      getter.resolve(key);
      return;
    }
  }

  /** Answers all with undefined. */
  dismiss(): void {
    while (this.#waiting.size > 0) this.answer(undefined);
  }
}
