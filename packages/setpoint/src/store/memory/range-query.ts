import type { RangeRequest, RangeResponse, Revision } from '../port.ts';
import { type ByteText, inRange, type TextRange, textRange } from './byte-text.ts';
import type { EventLog } from './event-log.ts';
import { keptText } from './kept-bytes.ts';
import type { KeyIndex } from './key-index.ts';
import { keyValueOf, type Version } from './version.ts';

/** Where a range is answered from. */
export interface RangeStore {
  readonly index: KeyIndex;
  readonly log: EventLog;
  /** What the transaction that asks has changed so far: in the index already, and not in the log yet. */
  readonly changes?: readonly Version[];
}

/** Undefined is the present. */
type Moment = Revision | undefined;

/**
 * Answers a range in etcd's order of steps: read the range (stopping early when the rest is only to be counted), drop
 * what the revision bounds exclude, sort, cut to `limit`, and strip values last. `count` is the number of keys in the
 * range before any of that.
 *
 * `now` is the revision that the answer names; the request's own revision must have been checked.
 */
export function answerRange(store: RangeStore, request: RangeRequest, now: Revision): RangeResponse {
  const range = textRange(request);
  const at = request.revision === undefined || request.revision === 0n ? undefined : request.revision;
  if (request.countOnly) {
    const count = countAt(store, range, { at, now }) ?? countByVisiting(store.index, range, at);
    return { revision: now, kvs: [], more: false, count: BigInt(count) };
  }
  const limit = request.limit ?? 0;
  const counted = limit > 0 && isPlain(request) ? countAt(store, range, { at, now }) : undefined;
  const stopAt = counted === undefined ? Infinity : limit + 1;
  const found: Version[] = [];
  store.index.visit(range, at, (version) => {
    found.push(version);
    return found.length < stopAt;
  });
  const kept = sorted(found.filter(within(request)), request.sort);
  const more = limit > 0 && kept.length > limit;
  const kvs = (more ? kept.slice(0, limit) : kept).map((version) => keyValueOf(version, request.keysOnly));
  return { revision: now, kvs, more, count: BigInt(counted ?? found.length) };
}

/** So many later revisions are always looked through for a count; more only in a range of as many keys. */
const LATER_REVISIONS_MIN = 10_000;

/**
 * How many keys `range` held at a revision, without looking at them: as many as now, but for what changed since. The
 * pages of a list are read at the revision of the first, and each would have to count all that follow it. Undefined
 * when so much has changed that looking at the keys is cheaper.
 */
function countAt(
  { index, log, changes = [] }: RangeStore,
  range: TextRange,
  { at, now }: { readonly at: Moment; readonly now: Revision },
): number | undefined {
  let count = index.count(range);
  if (at === undefined) return count;
  if (now - at > Math.max(LATER_REVISIONS_MIN, count)) return undefined;
  const changed = new Set<ByteText>();
  const look = ({ text }: Version): void => void (inRange(range, text) && changed.add(text));
  for (let revision = at + 1n; revision <= now; revision++) log.at(revision)?.events.forEach(look);
  changes.forEach(look);
  for (const text of changed) count += (index.at(text, at) ? 1 : 0) - (index.current(text) ? 1 : 0);
  return count;
}

function countByVisiting(index: KeyIndex, range: TextRange, at: Moment): number {
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
function within(request: RangeRequest): (kv: Version) => boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (kv) =>
    (!maxModRevision || kv.modRevision <= maxModRevision) &&
    (!minModRevision || kv.modRevision >= minModRevision) &&
    (!maxCreateRevision || kv.createRevision <= maxCreateRevision) &&
    (!minCreateRevision || kv.createRevision >= minCreateRevision);
}

type Sort = NonNullable<RangeRequest['sort']>;

const SORT_KEYS: Record<Sort['by'], (kv: Version) => bigint | string> = {
  key: (kv) => kv.text,
  create: (kv) => kv.createRevision,
  mod: (kv) => kv.modRevision,
  version: (kv) => kv.version,
  value: (kv) => keptText(kv.value),
};

/** The sort is stable, so that equal keys stay in key order for either direction. */
function sorted(kvs: Version[], sort: Sort | undefined): Version[] {
  if (sort === undefined || (sort.by === 'key' && sort.order === 'ascend')) return kvs;
  const sortKey = SORT_KEYS[sort.by];
  const sign = sort.order === 'ascend' ? 1 : -1;
  const keyed = kvs.map((kv) => ({ kv, by: sortKey(kv) }));
  keyed.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : 0));
  return keyed.map(({ kv }) => kv);
}
