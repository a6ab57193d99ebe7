import { linkedAbort } from 'setpoint/internal';
import { type Alarm, type CallOptions, checkCompact, type Member, type StoreStatus } from 'setpoint/store';
import type { CallPlan, Calls } from './calls.ts';
import type { Endpoint } from './endpoint.ts';
import { subjectError } from './error-mapping.ts';
import { duration } from './options.ts';
import { decodeStatus } from './response-decoding.ts';
import { alarmRpc, compactRpc, membersRpc, statusRpc } from './rpcs.ts';
import { untilAborted } from './until-aborted.ts';

/** The calls about the store itself. */

export async function compact(calls: Calls, revision: bigint, options?: CallOptions): Promise<void> {
  checkCompact(revision);
  await calls.unary(compactRpc, { revision: String(revision) }, plan(`compact to revision ${revision}`, true), options);
}

/**
 * Asks every endpoint for itself, within the call's time and within `dialTimeoutMs` once one has answered at all: an
 * endpoint that takes longer is left out. Throws `Unavailable` when none is left.
 */
export async function statusOfAll(calls: Calls, options: CallOptions = {}): Promise<readonly StoreStatus[]> {
  const { clock, callTimeoutMs, dialTimeoutMs } = calls.settings;
  const due = clock.now() + duration('timeoutMs', options.timeoutMs, callTimeoutMs);
  // One that answers comes first, so that being closed, aborted or cut off is told as for any other call.
  await calls.unary(statusRpc, {}, plan('status', false), options);
  const end = linkedAbort(calls.closing, options.signal);
  const timer = clock.setTimer(() => end.abort(undefined), Math.min(due - clock.now(), dialTimeoutMs), { ref: true });
  try {
    const all = await Promise.all(calls.endpoints.all.map((endpoint) => statusOf(endpoint, end.signal)));
    if (calls.closing.aborted) throw subjectError('Closed', 'the store was closed', { what: 'status' });
    if (options.signal?.aborted) {
      throw subjectError('Aborted', 'its caller gave it up', { what: 'status' }, options.signal.reason);
    }
    const answers = all.filter((answer) => answer !== undefined);
    if (answers.length > 0) return answers;
    throw subjectError('Unavailable', calls.endpoints.describeFaults(), { what: 'status' });
  } finally {
    timer.cancel();
    end.unlink();
  }
}

async function statusOf(endpoint: Endpoint, end: AbortSignal): Promise<StoreStatus | undefined> {
  try {
    if (!(await untilAborted(endpoint.connect(), end))) return undefined;
    const call = endpoint.transport.unary(statusRpc, {}, { requireLeader: false });
    end.addEventListener('abort', () => call.cancel());
    return decodeStatus(endpoint.url, await untilAborted(call.answer, end));
  } catch {
    return undefined;
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
