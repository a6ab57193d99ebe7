import { isSetpointError, SetpointError } from '../errors/index.ts';
import type { Compare, RangeResponse } from '../store/index.ts';
import { encodeHolder, entryKey } from './line.ts';
import type { Session } from './session.ts';
import { SHARD_HASH } from './shard-map.ts';

/**
 * Puts this replica on the roll of a set, and gives back its key there. All replicas of a set must map keys to slots
 * alike, or two of them would own one key: the first to come says how, and who disagrees is refused with `Invalid` for as
 * long as there is anybody on the roll.
 */
export async function joinRoll(session: Session, prefix: string, slots: number, signal: AbortSignal): Promise<string> {
  const config = `${prefix}config`;
  const value = JSON.stringify({ slots, hash: SHARD_HASH });
  const { store, id, identity, clock, random } = session;
  const key = entryKey(`${prefix}members/`, id, random.uuid());
  const member = { put: { key, value: encodeHolder({ identity, since: clock.wallNow(), value: '' }), lease: id } };
  const nobody: Compare = { prefix: `${prefix}members/`, target: 'create', operator: '=', operand: 0n };
  const same: Compare = { key: config, target: 'value', operator: '=', operand: value };
  const founding = {
    compares: [nobody],
    then: [{ put: { key: config, value } }, member],
    else: [{ range: { key: config } }],
  };
  try {
    const answer = await store.txn(
      { compares: [same], then: [member], else: [{ txn: founding }] },
      { alone: true, signal },
    );
    if (answer.succeeded) return key;
    const { txn } = answer.responses[0] as {
      txn: { succeeded: boolean; responses: readonly { range: RangeResponse }[] };
    };
    if (txn.succeeded) return key;
    throw disagrees(prefix, value, txn.responses[0]!.range);
  } catch (error) {
    if (isSetpointError(error, 'OutcomeUnknown')) session.disown(key);
    throw error;
  }
}

function disagrees(prefix: string, ours: string, { kvs }: RangeResponse): SetpointError {
  const theirs = kvs[0] ? new TextDecoder().decode(kvs[0].value) : 'nothing';
  return new SetpointError(
    'Invalid',
    `sharding: the replicas at work below ${prefix} say ${theirs}, this one ${ours}. ` +
      'All must have the same number of slots: stop all of them to change it, or use another name',
  );
}
