import type { Compare, Operation, PutRequest, RangeRequest, Revision, TxnRequest, WatchRequest } from 'setpoint/store';
import type { Call } from './call.ts';

/** What the calls of a sequence are about: where its revisions begin and end, and which leases live. */
export interface World {
  /** The store's revision before the first call; there is nothing in the store then. */
  readonly base: Revision;
  readonly now: Revision;
  readonly compacted: Revision;
  /** The leases that live, the oldest first. */
  readonly leases: readonly bigint[];
}

/** Stands for a revision of 0, which means "none" wherever a request may name one. */
export const NO_REVISION = 1_000_000n;

/** The leases that a sequence names itself are this and the next few, counted from {@link leaseId}. */
export const NAMED_LEASES = 4;

/**
 * A call whose revisions count back from the present (0n is now, 1n is one before, −1n is one that is to come) and
 * whose leases are 0n for none, up to {@link NAMED_LEASES} for a lease that lives, and above that for one by its
 * number. Made so, a call keeps its sense when others before it are taken out, which shrinking needs.
 */
export function resolve(call: Call, world: World): Call {
  if ('range' in call) return { range: resolveRange(call.range, world) };
  if ('put' in call) return { put: resolvePut(call.put, world) };
  if ('txn' in call) return { txn: resolveTxn(call.txn, world) };
  if ('watch' in call) return { watch: resolveWatch(call.watch, world) };
  if ('compact' in call) return { compact: revisionAt(call.compact, world) };
  if ('leaseGrant' in call) {
    const { id, ttlSeconds } = call.leaseGrant;
    return id === undefined ? call : { leaseGrant: { ttlSeconds, id: leaseOf(id, world) } };
  }
  if ('leaseKeepAlive' in call) return { leaseKeepAlive: leaseOf(call.leaseKeepAlive, world) };
  if ('leaseRevoke' in call) return { leaseRevoke: leaseOf(call.leaseRevoke, world) };
  if ('leaseTimeToLive' in call) return { ...call, leaseTimeToLive: leaseOf(call.leaseTimeToLive, world) };
  return call;
}

/** The id of the sequence's lease number `number`, from 1. Bases differ, so no sequence meets another's leases. */
export function leaseId(base: Revision, number: bigint): bigint {
  return base * 100n + number;
}

export function leaseOf(template: bigint, { leases, base }: World): bigint {
  if (template === 0n) return 0n;
  if (template > BigInt(NAMED_LEASES)) return leaseId(base, template - BigInt(NAMED_LEASES));
  return leases[Number(template - 1n) % leases.length] ?? leaseId(base, template);
}

/** The lease that a put names or a compare asks for: none, where one that lives was meant and there is none. */
function attachedLease(template: bigint, world: World): bigint {
  return world.leases.length === 0 && template <= BigInt(NAMED_LEASES) ? 0n : leaseOf(template, world);
}

/** Never before the base: what an earlier sequence did is no part of this one. */
function revisionAt(back: bigint, { base, now }: World): Revision {
  if (back === NO_REVISION) return 0n;
  return now - back < base ? base : now - back;
}

function resolveRange(request: RangeRequest, world: World): RangeRequest {
  const resolved: { -readonly [K in keyof RangeRequest]: RangeRequest[K] } = { ...request };
  for (const name of [
    'revision',
    'minModRevision',
    'maxModRevision',
    'minCreateRevision',
    'maxCreateRevision',
  ] as const) {
    const back = request[name];
    if (back !== undefined) resolved[name] = revisionAt(back, world);
  }
  return resolved as RangeRequest;
}

function resolvePut(request: PutRequest, world: World): PutRequest {
  return request.lease === undefined ? request : { ...request, lease: attachedLease(request.lease, world) };
}

function resolveTxn({ compares, then, else: otherwise }: TxnRequest, world: World): TxnRequest {
  const all = (operations: readonly Operation[]): Operation[] =>
    operations.map((one) => resolve(one, world) as Operation);
  return {
    ...(compares && { compares: compares.map((compare) => resolveCompare(compare, world)) }),
    ...(then && { then: all(then) }),
    ...(otherwise && { else: all(otherwise) }),
  };
}

function resolveCompare(compare: Compare, world: World): Compare {
  if (compare.target === 'create' || compare.target === 'mod') {
    return { ...compare, operand: revisionAt(compare.operand, world) };
  }
  return compare.target === 'lease' ? { ...compare, operand: attachedLease(compare.operand, world) } : compare;
}

/**
 * A watch of deletions that starts exactly at the compaction is refused where the server's version may have lost some,
 * see docs/etcd-versions.md. There is nothing to agree on, so it starts one later then.
 */
function resolveWatch(request: WatchRequest, world: World): WatchRequest {
  if (request.startRevision === undefined) return request;
  let start = revisionAt(request.startRevision, world);
  if (start === world.base) start++;
  if (start !== 0n && start === world.compacted && request.exclude !== 'delete') start++;
  return { ...request, startRevision: start };
}
