import { type KeyRange, keyRange, type WatchEvent, type WatchRequest } from 'setpoint/store';

/**
 * How far a watch has come, and the one rule of resuming: from the last event's revision + 1, or from a progress
 * mark's + 1. The revision in the header of a response with events, or of "created" for a watch that asked for a
 * start, is the store's, which may be far ahead of what was delivered; resuming there loses everything in between.
 */
export class WatchCursor {
  readonly #range: KeyRange;
  #next: bigint | undefined;
  #dropped = 0;

  constructor(request: WatchRequest) {
    this.#range = keyRange(request);
    this.#next = request.startRevision === 0n ? undefined : request.startRevision;
  }

  /** The first revision still to be delivered; undefined before a watch without a start was created. */
  get next(): bigint | undefined {
    return this.#next;
  }

  /** How many events were left out since the last call: old, repeated, or of keys that were not asked for. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** The server has created the watch at its revision; gives the mark to deliver, for a watch without a start. */
  created(revision: bigint): bigint | undefined {
    if (this.#next !== undefined) return undefined;
    this.#next = revision + 1n;
    return revision;
  }

  /** Everything up to `revision` was delivered; false when that is no news but an older mark, to be left out. */
  progress(revision: bigint): boolean {
    if (this.#next === undefined || revision + 1n < this.#next) return false;
    this.#next = revision + 1n;
    return true;
  }

  /** The events of a response that are new, which then count as delivered. */
  accept(events: readonly WatchEvent[]): readonly WatchEvent[] {
    const first = this.#next ?? 0n;
    let last = first - 1n;
    const fresh = events.filter(({ kv }) => {
      const isNew = kv.modRevision >= first && kv.modRevision >= last && this.#covers(kv.key);
      if (isNew) last = kv.modRevision;
      else this.#dropped++;
      return isNew;
    });
    if (fresh.length > 0) this.#next = last + 1n;
    return fresh;
  }

  #covers(key: Uint8Array): boolean {
    const { start, end } = this.#range;
    const order = Buffer.compare(key, start);
    if (end === undefined) return order === 0;
    return order >= 0 && (reachesOn(end) || Buffer.compare(key, end) < 0);
  }
}

/** Whether `end` is etcd's mark for a range without an end. */
function reachesOn(end: Uint8Array): boolean {
  return end.length === 1 && end[0] === 0;
}
