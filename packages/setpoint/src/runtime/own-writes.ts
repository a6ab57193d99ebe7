import type { AnyResourceDefinition } from '../resource/index.ts';
import type { Revision } from '../store/index.ts';

/** As much of an informer as waiting for it takes. */
interface Awaitable {
  readonly historyResets: number;
  waitFor(revision: Revision, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
}

interface Written {
  readonly revision: Revision;
  /** The cache's `historyResets` then: revisions of a history that was given up are never reached. */
  readonly history: number;
}

/** How long a key waits for the caches before it is put back as failed; etcd's own cache waits as long. */
const CATCH_UP_TIMEOUT_MS = 3000;

/**
 * Read your own writes. Notes what the attempts of a key wrote, and lets the next attempt wait until the caches have
 * seen it: one comparison per kind in the usual case, because the event that asks for the attempt comes through the
 * same cache.
 *
 * Kinds without a cache here are not waited for, nor are writes whose outcome is unknown.
 */
export class OwnWrites {
  /** For each key the newest revision written to each kind since its caches were last known to have caught up. */
  readonly #written = new Map<string, Map<AnyResourceDefinition, Written>>();
  readonly #cacheOf: (definition: AnyResourceDefinition) => Awaitable | undefined;

  constructor(cacheOf: (definition: AnyResourceDefinition) => Awaitable | undefined) {
    this.#cacheOf = cacheOf;
  }

  note(key: string, definition: AnyResourceDefinition, revision: Revision): void {
    const written = this.#written.get(key) ?? new Map<AnyResourceDefinition, Written>();
    this.#written.set(key, written);
    const history = this.#cacheOf(definition)?.historyResets ?? 0;
    const newest = written.get(definition);
    if (!newest || newest.history < history || newest.revision < revision)
      written.set(definition, { revision, history });
  }

  /**
   * Resolves when the caches show everything that was written for `key`; rejects with `Timeout` after 3 s. After a
   * history reset a whole list of the new history shows whatever is left of it.
   */
  async caughtUp(key: string, signal: AbortSignal): Promise<void> {
    const written = this.#written.get(key);
    if (!written) return;
    const waits = [...written].map(async ([definition, { revision, history }]) => {
      const cache = this.#cacheOf(definition);
      const reachable = cache?.historyResets === history ? revision : 0n;
      await cache?.waitFor(reachable, { timeoutMs: CATCH_UP_TIMEOUT_MS, signal });
    });
    await Promise.all(waits);
    this.#written.delete(key);
  }

  /** How many keys may have to wait. */
  get size(): number {
    return this.#written.size;
  }
}
