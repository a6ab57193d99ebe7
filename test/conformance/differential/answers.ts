import { isSetpointError } from 'setpoint';
import type { CallOptions, Store, WatchRequest } from 'setpoint/store';
import { watched } from '../../harness/watched.ts';
import { type Call, type Manner, methodOf } from './call.ts';

/** What a call came to, in a form in which two stores can be compared. */
export type Answer = { readonly failed: string; readonly retryable: boolean } | { readonly answered: unknown };

export async function answerOf(store: Store, call: Call, manner?: Manner): Promise<Answer> {
  try {
    return { answered: await ask(store, call, optionsOf(manner)) };
  } catch (error) {
    if (isSetpointError(error)) return { failed: error.code, retryable: error.retryable };
    throw error;
  }
}

/** What a watch on a store that has been closed comes to. */
export async function closedWatch(store: Store, request: WatchRequest): Promise<Answer> {
  const { over } = watched(store, request);
  const error = await over;
  return isSetpointError(error) ? { failed: error.code, retryable: error.retryable } : { answered: error };
}

function optionsOf(manner: Manner | undefined): CallOptions {
  if (manner === 'aborted') return { signal: AbortSignal.abort() };
  if (manner === 'alone') return { alone: true };
  return manner === 'timed' ? { timeoutMs: 600_000 } : {};
}

/** Makes the call. What two right stores may answer differently is left out: ids, sizes, seconds that pass. */
async function ask(store: Store, call: Call, options: CallOptions): Promise<unknown> {
  if ('range' in call) return store.range(call.range, options);
  if ('put' in call) return store.put(call.put, options);
  if ('delete' in call) return store.delete(call.delete, options);
  if ('txn' in call) return store.txn(call.txn, options);
  if ('compact' in call) return store.compact(call.compact, options);
  if ('leaseGrant' in call) return grant(store, call.leaseGrant, options);
  if ('leaseKeepAlive' in call) return store.leaseKeepAlive(call.leaseKeepAlive, options);
  if ('leaseRevoke' in call) return store.leaseRevoke(call.leaseRevoke, options);
  if ('leaseTimeToLive' in call) {
    const wanted = call.keys === undefined ? options : { ...options, keys: call.keys };
    const { id, ttlSeconds, grantedTtlSeconds, keys } = await store.leaseTimeToLive(call.leaseTimeToLive, wanted);
    const inTime = ttlSeconds >= 0 && ttlSeconds <= grantedTtlSeconds;
    // etcd keeps a lease's keys in no order.
    return { id, inTime, grantedTtlSeconds, keys: keys.map((key) => Buffer.from(key).toString('hex')).toSorted() };
  }
  if ('leases' in call) return (await store.leases(options)).toSorted((a, b) => (a < b ? -1 : 1));
  if ('status' in call) {
    return (await store.status(options)).map(({ revision, isLearner, errors }) => ({ revision, isLearner, errors }));
  }
  if ('members' in call) return (await store.members(options)).map(({ isLearner }) => ({ isLearner }));
  if ('alarms' in call) return store.alarms(options);
  if ('disarm' in call) return store.disarm(call.disarm, options);
  throw new Error(`${methodOf(call)} is not answered by a call`);
}

/** A lease whose id the store chose is given back at once: the ids differ, so nothing else could speak of it. */
async function grant(
  store: Store,
  request: { readonly ttlSeconds: number; readonly id?: bigint },
  options: CallOptions,
): Promise<unknown> {
  const { id, ttlSeconds } = await store.leaseGrant(request, options);
  if (request.id) return { id, ttlSeconds };
  await store.leaseRevoke(id);
  return { chosen: id > 0n, ttlSeconds };
}
