import type { Condition } from 'setpoint';

/** The condition that says why replicas are missing: a Process has it about itself, and its owners pass it up. */
export const REPLICA_FAILURE = 'ReplicaFailure';

/** What can be seen of a child's failures. */
interface Child {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** What an owner says about the failures below it: that of the first child that has one. */
export function firstFailure(children: readonly Child[]) {
  for (const { status } of children) {
    const failure = status?.conditions?.find(({ type }) => type === REPLICA_FAILURE);
    if (failure?.status !== 'True') continue;
    return { type: REPLICA_FAILURE, status: true, reason: failure.reason, message: failure.message };
  }
  return { type: REPLICA_FAILURE, status: false, reason: 'NoFailure', message: 'nothing stands in the way' };
}
