import { SetpointError } from 'setpoint';
import {
  type CallOptions,
  checkLeaseGrant,
  checkLeaseId,
  type LeaseGrantResponse,
  type LeaseTimeToLiveResponse,
} from 'setpoint/store';
import type { CallPlan, Calls } from './calls.ts';
import { view } from './response-decoding.ts';
import { leaseGrantRpc, leaseKeepAliveRpc, leaseRevokeRpc, leasesRpc, leaseTimeToLiveRpc } from './rpcs.ts';

/** The lease calls of the port. Keeping a lease alive over time is a session's work, not the store's. */

export async function grantLease(
  calls: Calls,
  request: { readonly ttlSeconds: number; readonly id?: bigint },
  options?: CallOptions,
): Promise<LeaseGrantResponse> {
  checkLeaseGrant(request);
  const message = { TTL: String(request.ttlSeconds), ID: String(request.id ?? 0n) };
  const answer = await calls.unary(leaseGrantRpc, message, plan('lease grant', request.id, true), options);
  return { id: BigInt(answer.ID), ttlSeconds: Number(answer.TTL) };
}

/** Asks once. It may be asked again safely, and so is when a connection breaks. */
export async function keepLeaseAlive(
  calls: Calls,
  id: bigint,
  options?: CallOptions,
): Promise<{ readonly ttlSeconds: number }> {
  checkLeaseId(id);
  const answer = await calls.exchange(
    leaseKeepAliveRpc,
    { ID: String(id) },
    plan('lease keep-alive', id, false),
    options,
  );
  // etcd answers for a lease that is gone, with nothing left to live.
  if (Number(answer.TTL) <= 0) throw leaseGone(id);
  return { ttlSeconds: Number(answer.TTL) };
}

export async function revokeLease(calls: Calls, id: bigint, options?: CallOptions): Promise<void> {
  checkLeaseId(id);
  await calls.unary(leaseRevokeRpc, { ID: String(id) }, plan('lease revoke', id, true), options);
}

export async function leaseTimeToLive(
  calls: Calls,
  id: bigint,
  options: CallOptions & { readonly keys?: boolean } = {},
): Promise<LeaseTimeToLiveResponse> {
  checkLeaseId(id);
  const message = { ID: String(id), keys: options.keys ?? false };
  const answer = await calls.unary(leaseTimeToLiveRpc, message, plan('lease time-to-live', id, false), options);
  if (Number(answer.TTL) < 0) throw leaseGone(id);
  return {
    id,
    ttlSeconds: Number(answer.TTL),
    grantedTtlSeconds: Number(answer.grantedTTL),
    keys: answer.keys.map(view),
  };
}

export async function listLeases(calls: Calls, options?: CallOptions): Promise<readonly bigint[]> {
  const { leases } = await calls.unary(leasesRpc, {}, plan('lease list', undefined, false), options);
  return leases.map(({ ID }) => BigInt(ID));
}

function plan(name: string, id: bigint | undefined, write: boolean): CallPlan {
  return { subject: () => ({ what: id === undefined ? name : `${name} ${id}` }), write };
}

function leaseGone(id: bigint): SetpointError {
  return new SetpointError('LeaseNotFound', `lease ${id}: it has expired or was revoked; grant a new one`);
}
