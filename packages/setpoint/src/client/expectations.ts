import { type AnyResourceDefinition, invalid, kindOf, type ResourceObject } from '../resource/index.ts';
import type { Revision } from '../store/index.ts';

/** As much of an informer as waiting for it takes; an `Informer` fits. */
export interface FollowingCache {
  readonly hasSynced: boolean;
  /** Everything up to it is in the cache. */
  readonly revision: Revision;
  readonly historyResets: number;
  waitFor(
    revision: Revision,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
}

/** How long {@link Expectations.whenMet} waits. */
export interface ExpectationWait {
  /** Default 3000; etcd's own cache waits as long. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Expected {
  readonly revision: Revision;
  /** The cache's `historyResets` then: revisions of a history that was given up are never reached. */
  readonly history: number;
}

const TIMEOUT_MS = 3000;
const REVISION = /^[1-9][0-9]{0,18}$/;

/**
 * What caches have to show before a key is worked on again: the revisions that its last run wrote. One integer for each
 * key and kind, where client-go's expectations count creations and deletions and have to time out.
 *
 * A manager's reconcilers have this by default and need none of it. It is for loops of one's own over informers:
 *
 * ```ts
 * const expectations = new Expectations((kind) => (kind === Server ? serverInformer : undefined));
 * const client = createClient({ store, onWrite: (kind, _object, revision) => expectations.expect(key, kind, revision) });
 * // … at the beginning of the next run of `key`:
 * if (!expectations.isMet(key)) await expectations.whenMet(key, { signal });
 * ```
 *
 * In the usual case it costs a comparison, since the event that asks for a run comes through the same cache. Kinds
 * without a cache are not waited for, nor are writes whose outcome is unknown: the caller doesn't know their revision.
 */
export class Expectations {
  /** For each key the newest revision of each kind since its caches were last known to have caught up. */
  readonly #expected = new Map<string, Map<AnyResourceDefinition, Expected>>();
  readonly #cacheOf: (definition: AnyResourceDefinition) => FollowingCache | undefined;

  constructor(cacheOf: (definition: AnyResourceDefinition) => FollowingCache | undefined) {
    this.#cacheOf = cacheOf;
  }

  /**
   * Notes that a run of `key` wrote to a kind: the object that a write returned, or its revision. Only the newest one
   * counts. Throws `Invalid` for what is neither.
   */
  expect(key: string, definition: AnyResourceDefinition, written: Revision | Pick<ResourceObject, 'metadata'>): void {
    const revision = revisionOf(definition, written);
    const expected = this.#expected.get(key) ?? new Map<AnyResourceDefinition, Expected>();
    this.#expected.set(key, expected);
    const history = this.#cacheOf(definition)?.historyResets ?? 0;
    const newest = expected.get(definition);
    if (!newest || newest.history < history || newest.revision < revision) {
      expected.set(definition, { revision, history });
    }
  }

  /** Whether the caches show everything that was noted for a key; true for one of which nothing was. */
  isMet(key: string): boolean {
    const expected = this.#expected.get(key);
    if (!expected) return true;
    const met = [...expected].every(([definition, one]) => {
      const cache = this.#cacheOf(definition);
      return !cache || (cache.hasSynced && cache.revision >= reachable(one, cache));
    });
    if (met) this.#expected.delete(key);
    return met;
  }

  /**
   * Resolves when they do. Rejects with `Timeout`, which names the cache, with `Aborted` and with `Closed`; then the key
   * is still waited for the next time. After a history reset a whole list of the new history shows whatever is left.
   */
  async whenMet(key: string, { timeoutMs = TIMEOUT_MS, signal }: ExpectationWait = {}): Promise<void> {
    const expected = this.#expected.get(key);
    if (!expected) return;
    const waits = [...expected].map(async ([definition, one]) => {
      const cache = this.#cacheOf(definition);
      await cache?.waitFor(reachable(one, cache), { timeoutMs, ...(signal && { signal }) });
      // A write that the last run left behind may have been noted meanwhile: that one is still to be waited for.
      if (expected.get(definition) === one) expected.delete(definition);
    });
    await Promise.all(waits);
    if (expected.size === 0 && this.#expected.get(key) === expected) this.#expected.delete(key);
  }

  /** Waits for nothing that a key's runs wrote until now: the object is gone, say. */
  forget(key: string): void {
    this.#expected.delete(key);
  }

  /** How many keys may have to wait. */
  get size(): number {
    return this.#expected.size;
  }
}

const reachable = ({ revision, history }: Expected, cache: FollowingCache): Revision =>
  cache.historyResets === history ? revision : 0n;

function revisionOf({ kind }: AnyResourceDefinition, written: Revision | Pick<ResourceObject, 'metadata'>): Revision {
  if (typeof written === 'bigint' && written > 0n) return written;
  const resourceVersion: unknown = typeof written === 'object' ? written?.metadata?.resourceVersion : undefined;
  if (typeof resourceVersion === 'string' && REVISION.test(resourceVersion)) return BigInt(resourceVersion);
  const came = typeof written === 'bigint' ? String(written) : kindOf(written);
  throw invalid(
    { what: `Expectation of ${kind}` },
    'written',
    'an object that a write returned, or its revision',
    came,
  );
}
