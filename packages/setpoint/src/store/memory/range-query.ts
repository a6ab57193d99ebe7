import type { KeyValue, RangeRequest, RangeResponse, Revision } from '../port.ts';
import { byteText, textRange } from './byte-text.ts';
import { copyOf } from './key-value.ts';
import type { KeyIndex } from './key-index.ts';

/**
 * Answers a range in etcd's order of steps: read the range (stopping early only when nothing else is asked of it),
 * drop what the revision bounds exclude, sort, cut to `limit`, and strip values last. `count` is the number of keys
 * in the range before any of that.
 *
 * `now` is the revision that the answer names; the request's own revision must have been checked.
 */
export function answerRange(index: KeyIndex, request: RangeRequest, now: Revision): RangeResponse {
  const range = textRange(request);
  const at = request.revision === undefined || request.revision === 0n ? undefined : request.revision;
  if (request.countOnly) {
    return { revision: now, kvs: [], more: false, count: BigInt(countAt(index, range, at)) };
  }
  const limit = request.limit ?? 0;
  // Only a plain read at the newest revision may stop at its limit: its count comes from the index.
  const stopAt = limit > 0 && at === undefined && isPlain(request) ? limit + 1 : Infinity;
  const found: KeyValue[] = [];
  index.visit(range, at, (kv) => {
    found.push(kv);
    return found.length < stopAt;
  });
  const count = stopAt === Infinity ? found.length : index.count(range);
  const kept = sorted(found.filter(within(request)), request.sort);
  const more = limit > 0 && kept.length > limit;
  const kvs = (more ? kept.slice(0, limit) : kept).map((kv) => copyOf(kv, request.keysOnly));
  return { revision: now, kvs, more, count: BigInt(count) };
}

function countAt(index: KeyIndex, range: ReturnType<typeof textRange>, at: Revision | undefined): number {
  if (at === undefined) return index.count(range);
  let count = 0;
  index.visit(range, at, () => void count++);
  return count;
}

function isPlain(request: RangeRequest): boolean {
  const { sort, minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (minModRevision || maxModRevision || minCreateRevision || maxCreateRevision) return false;
  return sort === undefined || (sort.by === 'key' && sort.order === 'ascend');
}

/** A bound of 0 is no bound. */
function within(request: RangeRequest): (kv: KeyValue) => boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (kv) =>
    (!maxModRevision || kv.modRevision <= maxModRevision) &&
    (!minModRevision || kv.modRevision >= minModRevision) &&
    (!maxCreateRevision || kv.createRevision <= maxCreateRevision) &&
    (!minCreateRevision || kv.createRevision >= minCreateRevision);
}

type Sort = NonNullable<RangeRequest['sort']>;

const SORT_KEYS: Record<Sort['by'], (kv: KeyValue) => bigint | string> = {
  key: (kv) => byteText(kv.key),
  create: (kv) => kv.createRevision,
  mod: (kv) => kv.modRevision,
  version: (kv) => kv.version,
  value: (kv) => byteText(kv.value),
};

/** The sort is stable, so that equal keys stay in key order for either direction. */
function sorted(kvs: KeyValue[], sort: Sort | undefined): KeyValue[] {
  if (sort === undefined || (sort.by === 'key' && sort.order === 'ascend')) return kvs;
  const sortKey = SORT_KEYS[sort.by];
  const sign = sort.order === 'ascend' ? 1 : -1;
  const keyed = kvs.map((kv) => ({ kv, by: sortKey(kv) }));
  keyed.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : 0));
  return keyed.map(({ kv }) => kv);
}
