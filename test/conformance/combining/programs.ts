import fc from 'fast-check';
import type { Compare, KeySelector, Operation, Store } from 'setpoint/store';
import { revisionOf, text } from '../fixture.ts';
import { checkSerialOrder, type Made, outcomeOf, type Run, show } from './serial-order.ts';

/** A write before it is known under which prefix, with which lease and near which revision it is made. */
type Draft = (at: Present) => Operation;

interface Present {
  readonly prefix: string;
  readonly lease: bigint;
  readonly now: bigint;
}

export interface Step {
  readonly draft: Draft;
  readonly alone: boolean;
  /** How many turns of the event loop pass before the next one. */
  readonly pause: number;
}

const NO_LEASE = 77n;
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const value = fc.constantFrom('', 'x', 'y');

type SelectorDraft = (at: Present) => KeySelector;
const key: fc.Arbitrary<SelectorDraft> = name.map((given) => (at) => ({ key: at.prefix + given }));
const keys: fc.Arbitrary<SelectorDraft> = fc.tuple(name, name).map(([from, to]) => (at) => ({
  key: at.prefix + from,
  end: at.prefix + to,
}));
const all: fc.Arbitrary<SelectorDraft> = fc.constant((at: Present) => ({ prefix: at.prefix }));
const selector = fc.oneof(
  { weight: 12, arbitrary: key },
  { weight: 2, arbitrary: keys },
  { weight: 1, arbitrary: all },
);

type Condition = (at: Present) => Pick<Compare, 'target' | 'operator' | 'operand'>;
const operator = fc.constantFrom('=' as const, '!=' as const, '>' as const, '<' as const);
const isAbsent: fc.Arbitrary<Condition> = fc.constant(() => ({ target: 'version', operator: '=', operand: 0n }));
const byVersion: fc.Arbitrary<Condition> = fc.tuple(operator, fc.bigInt(0n, 3n)).map(([by, operand]) => () => ({
  target: 'version',
  operator: by,
  operand,
}));
/** Of a little while ago, or of never. */
const byRevision: fc.Arbitrary<Condition> = fc
  .tuple(operator, fc.constantFrom('mod' as const, 'create' as const), fc.bigInt(0n, 4n))
  .map(([by, target, ago]) => (at) => ({ target, operator: by, operand: ago === 4n ? 0n : at.now - ago }));
const byValue: fc.Arbitrary<Condition> = fc.tuple(operator, value).map(([by, operand]) => () => ({
  target: 'value',
  operator: by,
  operand,
}));
const byLease: fc.Arbitrary<Condition> = fc.tuple(operator, fc.boolean()).map(([by, held]) => (at) => ({
  target: 'lease',
  operator: by,
  operand: held ? at.lease : 0n,
}));
const condition = fc.oneof({ weight: 3, arbitrary: isAbsent }, byVersion, byRevision, byValue, byLease);

const compare = fc.tuple(selector, condition).map(
  ([of, says]) =>
    (at: Present) =>
      ({ ...of(at), ...says(at) }) as Compare,
);

const seldom = fc.constantFrom(...Array.from({ length: 16 }, (_, i) => i === 15));
const put: fc.Arbitrary<Draft> = fc
  .tuple(name, value, fc.boolean(), fc.boolean(), seldom)
  .map(([given, text, prevKv, leased, unknownLease]) => (at) => {
    const lease = unknownLease ? NO_LEASE : leased ? at.lease : 0n;
    return { put: { key: at.prefix + given, value: text, prevKv, lease } };
  });
const remove: fc.Arbitrary<Draft> = fc.tuple(selector, fc.boolean()).map(([of, prevKv]) => (at) => ({
  delete: { ...of(at), prevKv },
}));
const range: fc.Arbitrary<Draft> = fc.tuple(selector, fc.boolean(), seldom).map(([of, past, future]) => (at) => {
  const revision = future ? at.now + 1000n : past ? at.now : 0n;
  return { range: { ...of(at), revision } };
});

const { txn } = fc.letrec<{ txn: Draft; operation: Draft }>((tie) => ({
  operation: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: put },
    { weight: 2, arbitrary: remove },
    { weight: 2, arbitrary: range },
    { weight: 1, arbitrary: tie('txn') },
  ),
  txn: fc
    .tuple(
      fc.array(compare, { maxLength: 2 }),
      fc.array(tie('operation'), { maxLength: 2 }),
      fc.array(tie('operation'), { maxLength: 1 }),
    )
    .map(([compares, then, otherwise]) => (at) => ({
      txn: {
        compares: compares.map((draft) => draft(at)),
        then: then.map((draft) => draft(at)),
        else: otherwise.map((draft) => draft(at)),
      },
    })),
}));

/** Writes as several callers make them: some at once, some a little later. */
export const programs: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    draft: fc.oneof({ weight: 3, arbitrary: put }, { weight: 1, arbitrary: remove }, { weight: 5, arbitrary: txn }),
    alone: fc.constantFrom(false, false, false, false, false, false, false, true),
    pause: fc.constantFrom(0, 0, 0, 0, 1, 3),
  }),
  { minLength: 2, maxLength: 40, size: 'max' },
);

/** Makes all the writes of a program through `store` and gives what came of them. The store is nobody else's. */
async function makeAll(store: Store, program: readonly Step[], prefix: string, lease: bigint): Promise<Run> {
  const base = await revisionOf(store);
  let now = base;
  const making: Promise<Made>[] = [];
  for (const { draft, alone, pause } of program) {
    const operation = draft({ prefix, lease, now });
    making.push(makeOne(operation, alone));
    for (let turn = 0; turn < pause; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  const made = await Promise.all(making);
  return { made, base, end: await revisionOf(store), leases: new Set([lease]) };

  async function makeOne(operation: Operation, alone: boolean): Promise<Made> {
    const calledAt = now;
    const outcome = await outcomeOf(store, operation, alone);
    if (typeof outcome === 'object') now = max(now, (outcome as { revision: bigint }).revision);
    return { operation, alone, calledAt, outcome };
  }
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Makes a program's writes and throws unless a serial order of them explains all that came back, and what is left. */
export async function checkProgram(
  store: Store,
  program: readonly Step[],
  prefix: string,
  lease: bigint,
): Promise<Run> {
  const run = await makeAll(store, program, prefix, lease);
  const left = await store.range({ prefix, keysOnly: true });
  await store.delete({ prefix });
  try {
    const expected = [...checkSerialOrder(run).keys()].toSorted();
    const actual = left.kvs.map(({ key }) => text(key));
    if (expected.join() !== actual.join())
      throw new Error(`left in the store: ${actual.join()}, not ${expected.join()}`);
  } catch (cause) {
    const told = run.made.map(({ operation, outcome }) => `${show(operation)}\n  → ${show(outcome)}`);
    throw new Error(`${(cause as Error).message}\nThe writes, from revision ${run.base} on:\n${told.join('\n')}`, {
      cause,
    });
  }
  return run;
}
