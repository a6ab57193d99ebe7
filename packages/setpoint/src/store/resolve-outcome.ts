import { isSetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { toBytes } from './key-range.ts';
import type { BytesLike, CallOptions, KeyValue, RangeResponse, Revision, Store, WatchEvent } from './port.ts';
import { ProgressAsker } from './progress-asker.ts';
import { progressRequests } from './progress-requests.ts';

/** A write that ended as `OutcomeUnknown`, by one of the keys that it writes. */
export interface LostWrite {
  readonly key: BytesLike;
  /**
   * How to recognise it: the value that it writes, if nobody else writes the same one (it carries an id, say), or a
   * function that is shown a change of the key. A delete can only be told from others by `base`.
   */
  readonly ours: BytesLike | ((change: Pick<WatchEvent, 'type' | 'kv'>) => boolean);
  /** The mod revision of the key that the write required, 0 for its absence; left out when it required none. */
  readonly base?: Revision;
  /**
   * A revision that the store had reached before the write was sent. Without a `base` above 0 it takes this to tell a
   * write that was applied and overwritten since from one that wasn't applied.
   */
  readonly since?: Revision;
  /**
   * Says that the request can't arrive any more. That the connection is closed is not enough: a server that was frozen
   * may still read what it got. That this server process has ended is. Default false.
   */
  readonly cannotArrive?: boolean;
}

/**
 * - `applied`: at this revision; later writes may have replaced it.
 * - `not-applied`, for good: the key moved on from `base` by another write, so that even a late arrival is refused
 *   (`overtaken`), or there is no trace of it and it can't arrive (`cannot-arrive`). `current` is the key as it stands.
 * - `unknown`: there is no trace of it and it may yet be applied (`may-arrive`); or the key has changed and what
 *   happened in between can't be told (`no-history`: it is compacted, `since` was not given, or the store did not answer
 *   in time); or reading failed (`unreadable`).
 */
export type WriteOutcome =
  | { readonly state: 'applied'; readonly revision: Revision }
  | {
      readonly state: 'not-applied';
      readonly because: 'overtaken' | 'cannot-arrive';
      readonly current: KeyValue | undefined;
    }
  | {
      readonly state: 'unknown';
      readonly because: 'may-arrive' | 'no-history' | 'unreadable';
      readonly cause?: unknown;
    };

/** How long history may take to tell. It is there already, so this is for stores that don't answer. */
const HISTORY_TIMEOUT_MS = 5_000;

/**
 * Finds out what became of a write, by linearizable reads and the key's history, never by repeating it. It does not
 * throw for what the store says: that is `unreadable`. To make certain of a write that may still arrive, write the key
 * once more on condition of its present mod revision: then a late arrival, if it has a `base`, is refused.
 *
 * ```ts
 * const outcome = await resolveOutcome(store, { key: '/jobs/7', base: read.modRevision, ours: newValue });
 * if (outcome.state === 'not-applied') retry();
 * ```
 */
export async function resolveOutcome(
  store: Pick<Store, 'range' | 'watch'>,
  write: LostWrite,
  options: CallOptions & { readonly clock?: Clock } = {},
): Promise<WriteOutcome> {
  const { clock = systemClock, ...callOptions } = options;
  const { signal, timeoutMs = HISTORY_TIMEOUT_MS } = callOptions;
  if (signal?.aborted) return { state: 'unknown', because: 'unreadable', cause: signal.reason };
  try {
    const now = await store.range({ key: write.key }, callOptions);
    const from = write.base || write.since;
    const seen = atOnce(write, now, from);
    if (seen) return seen;
    return await fromHistory(store, { ...write, from: from! }, now, { clock, signal, timeoutMs });
  } catch (error) {
    if (!isSetpointError(error)) throw error;
    const because = error.code === 'Compacted' ? 'no-history' : 'unreadable';
    return { state: 'unknown', because, cause: error };
  }
}

/** What the key as it stands tells; undefined when it takes what happened since `from`. */
function atOnce(
  write: LostWrite,
  { kvs, revision }: RangeResponse,
  from: Revision | undefined,
): WriteOutcome | undefined {
  const current = kvs[0];
  const { base } = write;
  if (!base && current && isOurs(write, { type: 'put', kv: current })) {
    // What a create made may have been changed since, and still carry its mark: what counts is where it began.
    return { state: 'applied', revision: base === undefined ? current.modRevision : current.createRevision };
  }
  if (from !== undefined) return (current?.modRevision ?? revision) <= from ? noTrace(write, current) : undefined;
  return { state: 'unknown', because: current || write.cannotArrive ? 'no-history' : 'may-arrive' };
}

async function fromHistory(
  store: Pick<Store, 'watch'>,
  write: LostWrite & { readonly from: Revision },
  now: RangeResponse,
  limits: { readonly clock: Clock; readonly signal: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<WriteOutcome> {
  const { clock, signal, timeoutMs } = limits;
  const link = linkedAbort(signal);
  const timer = clock.setTimer(() => link.abort(undefined), timeoutMs);
  const progress = progressRequests();
  const asker = new ProgressAsker(clock, () => progress.request());
  const batches = store.watch({ key: write.key, startRevision: write.from + 1n }, { signal: link.signal, progress });
  const iterator = batches[Symbol.asyncIterator]();
  // Where the key stands, nothing happened to it after its last change, and no mark has to be waited for.
  const until = now.kvs[0]?.modRevision ?? now.revision;
  try {
    for (;;) {
      const next = await asker.during(iterator.next());
      if (next.done) return { state: 'unknown', because: 'no-history' };
      const found = amongEvents(write, next.value.events, now.kvs[0]);
      if (found) return found;
      if (next.value.revision >= until) return noTrace(write, now.kvs[0]);
    }
  } finally {
    timer.cancel();
    link.unlink();
    await iterator.return?.();
  }
}

function amongEvents(
  write: LostWrite,
  events: readonly WatchEvent[],
  current: KeyValue | undefined,
): WriteOutcome | undefined {
  for (const event of events) {
    if (isOurs(write, event)) return { state: 'applied', revision: event.kv.modRevision };
    // The first change after the base decides: whatever it was, the base is gone for good.
    if (write.base) return { state: 'not-applied', because: 'overtaken', current };
  }
  return undefined;
}

function noTrace({ cannotArrive }: LostWrite, current: KeyValue | undefined): WriteOutcome {
  if (cannotArrive) return { state: 'not-applied', because: 'cannot-arrive', current };
  return { state: 'unknown', because: 'may-arrive' };
}

function isOurs({ ours }: LostWrite, change: Pick<WatchEvent, 'type' | 'kv'>): boolean {
  if (typeof ours === 'function') return ours(change);
  return change.type === 'put' && Buffer.compare(change.kv.value, toBytes(ours)) === 0;
}
