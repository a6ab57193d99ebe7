import { isSetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { CallOptions, KeyValue, Revision, Store, WatchEvent } from '../store/index.ts';

/** A conditional write of one key that no answer came to. */
export interface LostWrite {
  readonly storeKey: string;
  /** The mod revision that the write required, 0 for one that required the key to be absent. */
  readonly base: Revision;
  /** Whether this change of the key is the write: by its unique id for a put, any delete for a delete. */
  isOurs(change: { readonly type: 'put' | 'delete'; readonly kv: KeyValue }): boolean;
}

/**
 * `applied` at a revision; `refused`, for good: the key moved on from `base` by another write, so that even a late
 * arrival can't apply any more; or still `unknown`.
 */
export type WriteOutcome =
  | { readonly state: 'applied'; readonly revision: Revision }
  | { readonly state: 'refused'; readonly current: KeyValue | undefined }
  | { readonly state: 'unknown' };

const UNKNOWN: WriteOutcome = { state: 'unknown' };
/** How long history may take to tell. It is there already, so this is for stores that don't answer. */
const HISTORY_TIMEOUT_MS = 5_000;

/**
 * Finds out what became of a write by reading, never by repeating it. A linearizable read tells most cases; when the
 * key moved on since, its history tells whether the first change after `base` was ours. An absent key at base 0, or
 * one still at `base`, stays unknown: the request may yet arrive.
 */
export async function findOutcome(
  store: Store,
  clock: Clock,
  write: LostWrite,
  options: CallOptions,
): Promise<WriteOutcome> {
  if (options.signal?.aborted) return UNKNOWN;
  try {
    const { kvs } = await store.range({ key: write.storeKey }, options);
    const current = kvs[0];
    if (write.base === 0n) {
      // The object may have been changed since. What created it is what counts, and its revision is kept.
      const ours = current !== undefined && write.isOurs({ type: 'put', kv: current });
      return ours ? { state: 'applied', revision: current.createRevision } : UNKNOWN;
    }
    if (current?.modRevision === write.base) return UNKNOWN;
    const change = await firstChangeAfter(store, clock, write, options);
    if (!change) return UNKNOWN;
    return write.isOurs(change) ? { state: 'applied', revision: change.kv.modRevision } : { state: 'refused', current };
  } catch (error) {
    if (!isSetpointError(error)) throw error;
    return UNKNOWN;
  }
}

async function firstChangeAfter(
  store: Store,
  clock: Clock,
  { storeKey, base }: LostWrite,
  options: CallOptions,
): Promise<WatchEvent | undefined> {
  const link = linkedAbort(options.signal);
  const timer = clock.setTimer(() => link.abort(undefined), options.timeoutMs ?? HISTORY_TIMEOUT_MS);
  try {
    const request = { key: storeKey, startRevision: base + 1n };
    for await (const { events } of store.watch(request, { signal: link.signal })) {
      const first = events[0];
      if (first) return first;
    }
    return undefined;
  } finally {
    timer.cancel();
    link.unlink();
  }
}
