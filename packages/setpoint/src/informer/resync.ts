import { SetpointError } from '../errors/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import type { Random } from '../internal/random.ts';
import type { TimeSlice } from '../internal/time-slice.ts';
import type { HandlerQueue } from './handler-queue.ts';
import type { Lister } from './lister.ts';

/** client-go refuses shorter ones. */
const RESYNC_MIN_MS = 1000;
/** As in controller-runtime: informers that started together don't resync together. */
const JITTER = 0.1;

export interface ResyncSurroundings<T> {
  readonly clock: Clock;
  readonly random: Random;
  readonly slice: TimeSlice;
  readonly cache: Pick<Lister<T>, 'keys' | 'entry'>;
}

/** What a resync has to know of the handlers. */
export interface Telling {
  /** Whether the cache has changes that handlers are just being told, and that some may not have been told yet. */
  readonly isTelling: () => boolean;
}

/** Throws `Invalid`. */
export function checkResync(resyncMs: number): void {
  if (resyncMs >= RESYNC_MIN_MS) return;
  throw new SetpointError(
    'Invalid',
    `handler option resyncMs: expected a number of at least ${RESYNC_MIN_MS}, received ${String(resyncMs)}`,
  );
}

/**
 * Tells a handler of every cached object again, each `resyncMs` ± 10 %, as an update from its present state to the
 * same. Keys of which it has yet to be told something are left out. Resolves when `signal` aborts.
 */
export async function resyncForEver<T>(
  queue: HandlerQueue<T>,
  resyncMs: number,
  { clock, random, slice, cache, isTelling }: ResyncSurroundings<T> & Telling,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(clock, resyncMs * (1 - JITTER + 2 * JITTER * random.next()), signal);
    if (signal.aborted) return;
    if (!queue.hasSynced) continue;
    const keys = Array.from(cache.keys());
    for (const key of keys) {
      while (isTelling()) await slice.rest();
      if (signal.aborted) return;
      const entry = cache.entry(key);
      if (entry) queue.repeat(entry);
      if (slice.due()) await slice.rest();
    }
  }
}
