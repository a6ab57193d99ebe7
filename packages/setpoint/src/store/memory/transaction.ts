import { SetpointError } from '../../errors/index.ts';
import { shownKey, toBytes } from '../key-range.ts';
import type { Operation, OperationResponse, PutRequest, Revision, TxnRequest, TxnResponse } from '../port.ts';
import { byteText } from './byte-text.ts';
import { allHold } from './compares.ts';
import type { KeyIndex } from './key-index.ts';
import { leaseNotFound, type LeaseTable } from './leases.ts';
import type { Writer } from './writer.ts';

/** Which branch of a transaction runs, decided for all nested ones too before anything is written. */
export interface TxnPlan {
  readonly succeeded: boolean;
  readonly steps: readonly (Exclude<Operation, { txn: TxnRequest }> | { readonly plan: TxnPlan })[];
}

export function planTxn(index: KeyIndex, request: TxnRequest): TxnPlan {
  const succeeded = allHold(index, request.compares ?? []);
  const operations = (succeeded ? request.then : request.else) ?? [];
  const steps = operations.map((operation) =>
    'txn' in operation ? { plan: planTxn(index, operation.txn) } : operation,
  );
  return { succeeded, steps };
}

/** Throws what makes the whole transaction fail, in etcd's order: bad puts first, then unreadable revisions. */
export function checkPlan(plan: TxnPlan, puttable: (put: PutRequest) => void, readable: (at: Revision) => void): void {
  forEachStep(plan, (step) => {
    if ('put' in step) puttable(step.put);
  });
  forEachStep(plan, (step) => {
    if ('range' in step && step.range.revision) readable(step.range.revision);
  });
}

/** What a put fails with, if anything, before it changes anything. */
export function checkPuttable({ key, lease, keepLease }: PutRequest, index: KeyIndex, leases: LeaseTable): void {
  if (keepLease && !index.current(byteText(key))) {
    const text = shownKey(toBytes(key));
    const message = `put ${JSON.stringify(text)}: there is no such key whose lease could be kept. Nothing was written.`;
    throw new SetpointError('NotFound', message, { details: { key: text } });
  }
  if (lease && !leases.has(lease)) throw leaseNotFound(lease);
}

/** Runs a checked plan. Nested answers name the revision of the whole call, which is known only at its end. */
export function runPlan(plan: TxnPlan, writer: Writer): TxnResponse {
  const answers: { revision: Revision }[] = [];
  const response = runSteps(plan, writer, answers);
  for (const answer of answers) answer.revision = writer.revision;
  return response;
}

function runSteps(plan: TxnPlan, writer: Writer, answers: { revision: Revision }[]): TxnResponse {
  const responses = plan.steps.map((step): OperationResponse => {
    if ('plan' in step) return { txn: runSteps(step.plan, writer, answers) };
    if ('range' in step) return { range: writer.range(step.range) };
    if ('put' in step) return { put: writer.put(step.put) };
    return { delete: writer.delete(step.delete) };
  });
  const answer = { revision: 0n, succeeded: plan.succeeded, responses };
  answers.push(answer);
  return answer;
}

function forEachStep(plan: TxnPlan, visit: (step: Exclude<TxnPlan['steps'][number], { plan: TxnPlan }>) => void): void {
  for (const step of plan.steps) {
    if ('plan' in step) forEachStep(step.plan, visit);
    else visit(step);
  }
}

/** What a read of `revision` fails with, if anything, in a store that stands between these two. */
export function checkReadable(revision: Revision, compacted: Revision, current: Revision): void {
  if (revision > current) {
    throw new SetpointError('FutureRevision', `revision ${revision}: the store stands at ${current}`, {
      details: { revision: current },
    });
  }
  if (revision < compacted) throw compactedError(revision, compacted);
}

export function compactedError(revision: Revision, compacted: Revision): SetpointError {
  return new SetpointError(
    'Compacted',
    `revision ${revision}: history before ${compacted} is gone; read the present and go on from there`,
    { details: { revision: compacted } },
  );
}
