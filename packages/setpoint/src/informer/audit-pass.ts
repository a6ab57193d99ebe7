import { abortable } from '../internal/abortable.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import { TimeSlice } from '../internal/time-slice.ts';
import { prefixEnd, toBytes } from '../store/key-range.ts';
import type { RangeResponse, Revision, Store } from '../store/port.ts';

/** A key of which cache and store say different things. */
export interface DivergedKey {
  readonly key: string;
  /** The revision of the state that the cache has; absent when it has none. */
  readonly cachedRevision?: Revision;
  /** The revision of the state that the store holds; absent when it has none. */
  readonly storedRevision?: Revision;
}

/** What a comparison found. */
export interface AuditFinding {
  /** The revision at which the store was read. */
  readonly revision: Revision;
  readonly comparedKeys: number;
  readonly divergedKeys: number;
  /** The first few of them. */
  readonly examples: readonly DivergedKey[];
}

/** What a comparison needs to know of a cache. */
export interface AuditedCache {
  /** Whether the cache is whole and its watch stands. */
  isFollowing(): boolean;
  /** The revision of the state that the cache has of a key, readable or not. */
  knownRevision(key: string): Revision | undefined;
  /** Every key that has one. Live. */
  knownKeys(): Iterable<string>;
  /** What the cache calls a key. */
  nameOf(key: Uint8Array): string;
  /** Notes every key that an event changes from now on. */
  record(): ChangeRecord;
  /** Resolves when the revision is reached, and rejects after `timeoutMs`. */
  reach(revision: Revision, timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** Which keys changed while somebody looked. */
export interface ChangeRecord {
  readonly keys: ReadonlySet<string>;
  /** A list has replaced everything. */
  readonly replaced: boolean;
  stop(): void;
}

export interface AuditPace {
  readonly pageKeys: number;
  readonly keysPerSecond: number;
}

export interface AuditPassOptions {
  readonly store: Pick<Store, 'range'>;
  readonly prefix: string;
  readonly cache: AuditedCache;
  readonly clock: Clock;
  readonly pace: AuditPace;
  readonly signal: AbortSignal;
}

/** An event that hasn't come ten seconds after the store held it, while the watch stood, doesn't count as under way. */
const DELIVERY_MAX_MS = 10_000;
const EXAMPLES_MAX = 10;

/**
 * Compares a cache with its store once, keys and revisions only. Undefined when it came to nothing because the cache
 * was listed anew or lost its watch meanwhile; rejects as `range` does.
 *
 * The store is read at one revision, that of the first page, and the cache is given time to reach it. A prefix without
 * changes may not reach it for want of events: a server that lost the last event of a prefix sends no later one. That
 * is why the store's present is read and not the cache's revision. Keys that an event changes meanwhile are left out:
 * their cached state is as new as that event, and the next comparison looks at them again.
 */
export async function auditPass(options: AuditPassOptions): Promise<AuditFinding | undefined> {
  const { cache, signal, clock } = options;
  const record = cache.record();
  const slice = new TimeSlice(clock);
  const holds = (): boolean => cache.isFollowing() && !record.replaced && !signal.aborted;
  try {
    const first = await page(options, undefined);
    const { revision } = first;
    await cache.reach(revision, DELIVERY_MAX_MS, signal).catch(() => {});
    const comparison = new Comparison(cache, record);
    for (let next = first; ;) {
      if (!holds()) return undefined;
      for (const kv of next.kvs) {
        comparison.stored(cache.nameOf(kv.key), kv.modRevision);
        if (slice.due()) await slice.rest();
      }
      const last = next.kvs.at(-1);
      if (!next.more || !last) break;
      await sleep(clock, (next.kvs.length / options.pace.keysPerSecond) * 1000, signal);
      next = await page(options, { after: last.key, revision });
    }
    for (const key of cache.knownKeys()) {
      comparison.cached(key);
      if (slice.due()) await slice.rest();
    }
    return holds() ? comparison.finding(revision) : undefined;
  } finally {
    record.stop();
  }
}

function page(
  { store, prefix, pace, signal }: AuditPassOptions,
  rest: { readonly after: Uint8Array; readonly revision: Revision } | undefined,
): Promise<RangeResponse> {
  const bytes = toBytes(prefix);
  const keys = rest ? { key: Uint8Array.of(...rest.after, 0), end: prefixEnd(bytes) } : { prefix: bytes };
  const at = rest ? { revision: rest.revision } : {};
  return abortable(store.range({ ...keys, ...at, keysOnly: true, limit: pace.pageKeys }, { signal }), signal);
}

class Comparison {
  readonly #cache: AuditedCache;
  readonly #record: ChangeRecord;
  /** Every key of the store. Some 30 bytes each while a comparison goes on; the texts are mostly the pages' own. */
  readonly #stored = new Set<string>();
  readonly #diverged = new Map<string, DivergedKey>();

  constructor(cache: AuditedCache, record: ChangeRecord) {
    this.#cache = cache;
    this.#record = record;
  }

  stored(key: string, storedRevision: Revision): void {
    this.#stored.add(key);
    const cachedRevision = this.#cache.knownRevision(key);
    if (cachedRevision === storedRevision) return;
    this.#diverged.set(key, { key, storedRevision, ...(cachedRevision !== undefined && { cachedRevision }) });
  }

  cached(key: string): void {
    const cachedRevision = this.#cache.knownRevision(key);
    if (this.#stored.has(key) || cachedRevision === undefined) return;
    this.#diverged.set(key, { key, cachedRevision });
  }

  /** Leaves out what has changed since the beginning, up to now. */
  finding(revision: Revision): AuditFinding {
    const diverged = [...this.#diverged.values()].filter(({ key }) => !this.#record.keys.has(key));
    return {
      revision,
      comparedKeys: this.#stored.size,
      divergedKeys: diverged.length,
      examples: diverged.slice(0, EXAMPLES_MAX),
    };
  }
}
