import { subjectError } from './error-mapping.ts';
import { type Alarm, type CallOptions, checkCompact, type Member, type StoreStatus } from 'setpoint/store';
import type { CallPlan, Calls } from './calls.ts';
import type { Endpoint } from './endpoint.ts';
import { decodeStatus } from './response-decoding.ts';
import { alarmRpc, compactRpc, membersRpc, statusRpc } from './rpcs.ts';

/** The calls about the store itself. */

export async function compact(calls: Calls, revision: bigint, options?: CallOptions): Promise<void> {
  checkCompact(revision);
  await calls.unary(compactRpc, { revision: String(revision) }, plan(`compact to revision ${revision}`, true), options);
}

/** Asks every endpoint for itself, each within the call's time; throws `Unavailable` when none answered. */
export async function statusOfAll(calls: Calls, options: CallOptions = {}): Promise<readonly StoreStatus[]> {
  // One that answers comes first, so that being closed, aborted or cut off is told as for any other call.
  await calls.unary(statusRpc, {}, plan('status', false), options);
  const all = await Promise.all(calls.endpoints.all.map((endpoint) => statusOf(calls, endpoint)));
  const answers = all.filter((answer) => answer !== undefined);
  if (answers.length > 0) return answers;
  throw subjectError('Unavailable', calls.endpoints.describeFaults(), { what: 'status' });
}

async function statusOf(calls: Calls, endpoint: Endpoint): Promise<StoreStatus | undefined> {
  if (!(await endpoint.connect())) return undefined;
  const { clock, dialTimeoutMs } = calls.settings;
  const call = endpoint.transport.unary(statusRpc, {}, { requireLeader: false });
  const timer = clock.setTimer(() => call.cancel(), dialTimeoutMs, { ref: true });
  try {
    return decodeStatus(endpoint.url, await call.answer);
  } catch {
    return undefined;
  } finally {
    timer.cancel();
  }
}

export async function listMembers(calls: Calls, options?: CallOptions): Promise<readonly Member[]> {
  const { members } = await calls.unary(membersRpc, {}, plan('member list', false), options);
  return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
    id: ID,
    name,
    peerUrls: peerURLs,
    clientUrls: clientURLs,
    isLearner,
  }));
}

export async function listAlarms(calls: Calls, options?: CallOptions): Promise<readonly Alarm[]> {
  const { alarms } = await calls.unary(alarmRpc, { action: 'Get' }, plan('alarm list', false), options);
  return alarms.flatMap(({ memberID, alarm }) =>
    alarm === 'None'
      ? []
      : [{ memberId: memberID, alarm: alarm === 'Nospace' ? ('NOSPACE' as const) : ('CORRUPT' as const) }],
  );
}

export async function disarmAlarm(calls: Calls, { memberId, alarm }: Alarm, options?: CallOptions): Promise<void> {
  const kind = alarm === 'NOSPACE' ? ('Nospace' as const) : ('Corrupt' as const);
  const message = { action: 'Deactivate' as const, memberID: memberId, alarm: kind };
  await calls.unary(alarmRpc, message, plan(`disarm ${alarm}`, true), options);
}

function plan(what: string, write: boolean): CallPlan {
  return { subject: () => ({ what }), write, requireLeader: write };
}
