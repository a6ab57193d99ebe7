import { isSetpointError } from 'setpoint';
import { checkDelete, checkPut, checkTxn, type Operation, type Store } from 'setpoint/store';
import { type Surroundings, applyWrite, comparable, type State } from './serial-model.ts';

/** One write of a run: what was asked, what came back, and when. */
export interface Made {
  readonly operation: Operation;
  readonly alone: boolean;
  /** The highest revision that any answer had named when it was called. */
  readonly calledAt: bigint;
  /** The answer, or the code of the error. */
  readonly outcome: object | string;
}

/** What a run began with and where it ended. */
export interface Run {
  readonly made: readonly Made[];
  readonly base: bigint;
  readonly end: bigint;
  readonly leases: ReadonlySet<bigint>;
}

/** Makes one write and says what came of it. */
export async function outcomeOf(store: Store, operation: Operation, alone: boolean): Promise<object | string> {
  try {
    if ('put' in operation) return await store.put(operation.put, { alone });
    if ('delete' in operation) return await store.delete(operation.delete, { alone });
    if ('txn' in operation) return await store.txn(operation.txn, { alone });
    return await store.range(operation.range);
  } catch (error) {
    if (isSetpointError(error)) return error.code;
    throw error;
  }
}

/**
 * Throws unless what came of the writes is what some serial order of them gives. Those that share a revision are made
 * one after the other, in the order of their calls and in the opposite one, since neither may matter; those that wrote
 * nothing come after them.
 */
export function checkSerialOrder({ made, base, end, leases }: Run): State {
  const states = new Map<bigint, State>([[base, new Map()]]);
  const around: Surroundings = { leases, at: (revision) => states.get(revision) };
  const answered = made.filter(({ outcome }) => typeof outcome === 'object');
  for (let revision = base + 1n; revision <= end; revision++) {
    const group = answered.filter(({ outcome }) => revisionOf(outcome) === revision && changed(outcome as object));
    if (group.length === 0) throw new Error(`nobody says that it made revision ${revision}`);
    if (group.length > 1 && group.some(({ alone }) => alone)) throw new Error(`one that is alone shares ${revision}`);
    const before = states.get(revision - 1n)!;
    const forwards = replay(group, before, revision, around);
    const backwards = replay(group.toReversed(), before, revision, around);
    if (show([...forwards].toSorted()) !== show([...backwards].toSorted()))
      throw new Error(`order matters in ${revision}`);
    states.set(revision, forwards);
  }
  for (const one of answered) {
    const revision = revisionOf(one.outcome);
    if (revision < one.calledAt) throw new Error(`answered of the past: ${show(one)}`);
    if (changed(one.outcome as object)) {
      if (revision === one.calledAt) throw new Error(`wrote before it was called: ${show(one)}`);
    } else {
      replay([one], states.get(revision)!, revision, around);
    }
  }
  for (const one of made) if (typeof one.outcome === 'string') explain(one, end, states, around);
  return states.get(end)!;
}

function replay(group: readonly Made[], before: State, revision: bigint, around: Surroundings): State {
  let state = before;
  for (const one of group) {
    const effect = applyWrite(one.operation, state, revision, around);
    const actual = show(comparable(one.outcome as object));
    if (show(effect.answer) !== actual) {
      throw new Error(`at ${revision}: ${show(one.operation)}\nanswered ${actual}\nexpected ${show(effect.answer)}`);
    }
    state = effect.state;
  }
  return state;
}

/** An error must be what the write would have come to by itself at some moment after it was called. */
function explain(one: Made, end: bigint, states: ReadonlyMap<bigint, State>, around: Surroundings): void {
  if (one.outcome === 'Invalid' && malformed(one.operation)) return;
  for (let revision = one.calledAt; revision <= end; revision++) {
    const effect = applyWrite(one.operation, states.get(revision)!, revision + 1n, around);
    if (effect.answer === one.outcome) return;
  }
  throw new Error(`${show(one.operation)} failed with ${show(one.outcome)}, and nothing explains that`);
}

function malformed(operation: Operation): boolean {
  try {
    if ('put' in operation) checkPut(operation.put);
    else if ('delete' in operation) checkDelete(operation.delete);
    else if ('txn' in operation) checkTxn(operation.txn);
    return false;
  } catch {
    return true;
  }
}

const revisionOf = (outcome: object | string): bigint => (outcome as { revision: bigint }).revision;

/** Whether an answer says that something was written. */
function changed(answer: object): boolean {
  if ('responses' in answer) {
    return (answer.responses as object[]).some((each) => changed(Object.values(each)[0] as object));
  }
  return 'deleted' in answer ? (answer.deleted as bigint) > 0n : !('kvs' in answer);
}

/** As text, with revisions and bytes. */
export function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Uint8Array) return Buffer.from(part).toString();
    return typeof part === 'bigint' ? `${part}n` : part;
  });
}
