import type { Compare, KeySelector, KeyValue, Operation, TxnRequest } from 'setpoint/store';
import { text } from '../fixture.ts';

/** One key as the model keeps it. Keys and values are text. */
interface Entry {
  readonly value: string;
  readonly create: bigint;
  readonly mod: bigint;
  readonly version: bigint;
  readonly lease: bigint;
}

/** Everything that is in the store at one moment. */
export type State = ReadonlyMap<string, Entry>;

/** What a write came to: its answer in a form that compares, or the code of its error; and what is in the store then. */
export interface Effect {
  readonly answer: unknown;
  readonly state: State;
  readonly writes: boolean;
}

/** What is in the store besides keys. */
export interface Surroundings {
  readonly leases: ReadonlySet<bigint>;
  /** What was in the store at a revision, undefined when that has not been. */
  at(revision: bigint): State | undefined;
}

/**
 * etcd's writes in the plainest way: one at a time, on copies, every key looked at. `revision` is the one that the
 * write gets, if it writes; what reads before its first change name is the one before.
 */
export function applyWrite(operation: Operation, state: State, revision: bigint, around: Surroundings): Effect {
  const plan = planOf(operation, state);
  const refusal = refusalOf(plan, around);
  if (refusal) return { answer: refusal, state, writes: false };
  // The first run only finds out whether anything changes: that decides which revision reads name before it does.
  const writes = new Run(state, revision, revision, around).make(plan).changed;
  const run = new Run(state, revision, writes ? revision - 1n : revision, around);
  return { answer: run.make(plan).answer, state: run.state, writes };
}

type Plan = Exclude<Operation, { txn: TxnRequest }> | { readonly succeeded: boolean; readonly steps: readonly Plan[] };

/** Decides every branch, also of what is nested, before anything is written. */
function planOf(operation: Operation, state: State): Plan {
  if (!('txn' in operation)) return operation;
  const succeeded = (operation.txn.compares ?? []).every((compare) => holds(compare, state));
  const steps = (succeeded ? operation.txn.then : operation.txn.else) ?? [];
  return { succeeded, steps: steps.map((step) => planOf(step, state)) };
}

function refusalOf(plan: Plan, around: Surroundings): string | undefined {
  if ('steps' in plan) {
    const refusals = plan.steps.map((step) => refusalOf(step, around));
    return refusals.find((code) => code === 'LeaseNotFound') ?? refusals.find(Boolean);
  }
  if ('put' in plan && plan.put.lease && !around.leases.has(plan.put.lease)) return 'LeaseNotFound';
  return 'range' in plan && plan.range.revision && !around.at(plan.range.revision) ? 'FutureRevision' : undefined;
}

class Run {
  readonly state: Map<string, Entry>;
  changed = false;
  answer: unknown;
  readonly #revision: bigint;
  readonly #before: bigint;
  readonly #around: Surroundings;

  constructor(state: State, revision: bigint, before: bigint, around: Surroundings) {
    this.state = new Map(state);
    this.#revision = revision;
    this.#before = before;
    this.#around = around;
  }

  make(plan: Plan): this {
    this.answer = this.#step(plan);
    return this;
  }

  get #named(): bigint {
    return this.changed ? this.#revision : this.#before;
  }

  #step(plan: Plan): unknown {
    if ('steps' in plan) {
      const responses = plan.steps.map((step) => this.#step(step));
      return {
        revision: this.#before < this.#revision ? this.#revision : this.#before,
        succeeded: plan.succeeded,
        responses,
      };
    }
    if ('put' in plan) return this.#put(plan.put);
    if ('delete' in plan) return this.#delete(plan.delete);
    const source = plan.range.revision ? this.#around.at(plan.range.revision)! : this.state;
    return { revision: this.#named, kvs: select(plan.range, source).map((key) => shown(key, source.get(key)!)) };
  }

  #put({ key, value, lease = 0n, prevKv }: Extract<Operation, { put: unknown }>['put']): unknown {
    const name = key as string;
    const old = this.state.get(name);
    this.changed = true;
    this.state.set(name, {
      value: value as string,
      create: old?.create ?? this.#revision,
      mod: this.#revision,
      version: (old?.version ?? 0n) + 1n,
      lease,
    });
    return { revision: this.#revision, prevKv: prevKv && old ? shown(name, old) : undefined };
  }

  #delete(request: Extract<Operation, { delete: unknown }>['delete']): unknown {
    const doomed = select(request, this.state);
    const prevKvs = request.prevKv ? doomed.map((key) => shown(key, this.state.get(key)!)) : [];
    for (const key of doomed) this.state.delete(key);
    if (doomed.length > 0) this.changed = true;
    return { revision: this.#named, deleted: BigInt(doomed.length), prevKvs };
  }
}

function select(selector: KeySelector, state: State): string[] {
  const { key, end, prefix } = selector as { key?: string; end?: string; prefix?: string };
  const within = (name: string): boolean => {
    if (prefix !== undefined) return name.startsWith(prefix);
    return end === undefined ? name === key : name >= key! && name < end;
  };
  return [...state.keys()].filter(within).toSorted();
}

function holds(compare: Compare, state: State): boolean {
  const found = select(compare, state).map((key) => state.get(key)!);
  if (compare.target === 'value') {
    return found.length > 0 && found.every(({ value }) => agrees(value, compare.operator, compare.operand as string));
  }
  const { target, operand, operator } = compare;
  return found.length === 0
    ? agrees(0n, operator, operand)
    : found.every((kv) => agrees(kv[target], operator, operand));
}

function agrees<T extends string | bigint>(left: T, operator: Compare['operator'], right: T): boolean {
  return { '=': left === right, '!=': left !== right, '<': left < right, '>': left > right }[operator];
}

const shown = (key: string, { value, create, mod, version, lease }: Entry): string =>
  `${key}=${value} create ${create} mod ${mod} version ${version} lease ${lease}`;

const shownKv = (kv: KeyValue): string =>
  shown(text(kv.key), {
    value: text(kv.value),
    create: kv.createRevision,
    mod: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  });

/** A store's answer in the form of the model's. */
export function comparable(answer: object): unknown {
  if ('responses' in answer) {
    const { responses } = answer as { responses: object[] };
    return { ...answer, responses: responses.map((each) => comparable(Object.values(each)[0] as object)) };
  }
  const { revision, kvs, deleted, prevKvs, prevKv } = answer as {
    revision: bigint;
    kvs?: KeyValue[];
    deleted?: bigint;
    prevKvs?: KeyValue[];
    prevKv?: KeyValue;
  };
  if (kvs) return { revision, kvs: kvs.map(shownKv) };
  if (prevKvs) return { revision, deleted, prevKvs: prevKvs.map(shownKv) };
  return { revision, prevKv: prevKv && shownKv(prevKv) };
}
