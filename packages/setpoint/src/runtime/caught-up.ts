import { isSetpointError } from '../errors/index.ts';
import type { Informer } from '../informer/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Logger } from '../internal/logger.ts';
import type { Store } from '../store/index.ts';
import type { KindCaches } from './kind-caches.ts';

export interface CaughtUpOptions {
  readonly caches: KindCaches;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A server that tells progress does within this. */
const TOLD_WITHIN_MS = 150;
/** Nothing is wrong when a cache is behind: writes are conditional. It only costs conflicts. */
const PATIENCE_MS = 10_000;

type Cache = Pick<Informer<unknown>, 'name' | 'prefix' | 'revision' | 'lister' | 'waitFor'>;

/**
 * Resolves when every cache shows all that was written up to `revision`: what an earlier owner wrote. A cache that is
 * not told how far it has come, as from etcd before 3.4.25, is compared with the store. After ten seconds it is said and
 * no longer waited for. Rejects when `signal` aborts.
 */
export async function caughtUpWith(options: CaughtUpOptions, revision: bigint, signal: AbortSignal): Promise<void> {
  await Promise.all(options.caches.list().map(({ informer }) => caughtUp(informer, options, revision, signal)));
}

async function caughtUp(
  cache: Cache,
  { store, clock, logger }: CaughtUpOptions,
  revision: bigint,
  signal: AbortSignal,
): Promise<void> {
  const end = clock.now() + PATIENCE_MS;
  while (!signal.aborted) {
    try {
      return await cache.waitFor(revision, { signal, timeoutMs: TOLD_WITHIN_MS });
    } catch (error) {
      if (signal.aborted || !isSetpointError(error, 'Timeout')) throw error;
    }
    if (await isCurrent(cache, store, signal)) return;
    if (clock.now() < end) continue;
    logger.warn({ cache: cache.name, revision: String(revision) }, 'begins with a cache that may be behind');
    return;
  }
  throw signal.reason;
}

/**
 * Whether nothing has happened below the cache's prefix since it was brought up to date: no key has a newer revision, and
 * there are as many as it has, so that none is new, none was changed and none is gone.
 */
async function isCurrent(cache: Cache, store: Store, signal: AbortSignal): Promise<boolean> {
  const before = cache.revision;
  const newer = { prefix: cache.prefix, minModRevision: before + 1n, limit: 1, keysOnly: true } as const;
  try {
    const { responses } = await store.txn(
      { then: [{ range: newer }, { range: { prefix: cache.prefix, countOnly: true } }] },
      { signal },
    );
    const [changed, all] = responses as readonly { range: { kvs: readonly unknown[]; count: bigint } }[];
    const same = changed!.range.kvs.length === 0 && all!.range.count === BigInt(cache.lister.size);
    return same && cache.revision === before;
  } catch (error) {
    if (isSetpointError(error) && !signal.aborted) return false; // the next round asks again
    throw error;
  }
}
