import { defineController, defineResource, isSetpointError } from 'setpoint';
import { atMost, explore, type ExploreOptions, law } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const group = { group: 'oracles.test', version: 'v1' } as const;
const Part = defineResource({ ...group, kind: 'Part', plural: 'parts', spec: z.object({ index: z.int() }) });
const Machine = defineResource({
  ...group,
  kind: 'Machine',
  plural: 'machines',
  spec: z.object({ parts: z.int() }),
  status: z.object({ phase: z.string() }),
});

type Options = Parameters<typeof defineController<typeof Machine, readonly [typeof Part]>>[1];

/** One machine, and what becomes of it: few schedules, of one kind of fault. */
const oracleOf = async (
  reconcile: (memory: Map<string, number>) => Options['reconcile'],
  more: Partial<ExploreOptions>,
): Promise<string> => {
  const report = await explore({
    name: 'machine',
    controllers: () => [defineController(Machine, { owns: [Part], reconcile: reconcile(new Map()) })],
    scenario: async (user) => void (await user.create(Machine, { name: 'a', spec: { parts: 1 } })),
    depth: 1,
    budget: { schedules: 40, ms: 100_000 },
    ...more,
  });
  const [failure] = report.failures;
  return failure ? `${failure.violation.oracle}: ${failure.violation.message}` : 'silent';
};

const makes: Options['reconcile'] = async ({ object, owned }) => {
  for (let index = 0; index < object.spec.parts; index++)
    await owned(Part).apply({ name: `p-${index}`, spec: { index } });
};

describe('each way to be wrong is seen by the oracle that is there for it', () => {
  it('I-201: O1, what is wanted is not reached', async () => {
    const hasty: Options['reconcile'] = async ({ object, owned, status }) => {
      if (object.status?.phase === 'Done') return;
      await status({ phase: 'Done' });
      await owned(Part).apply({ name: 'p', spec: { index: 0 } });
    };
    const matches: ExploreOptions['matches'] = (state) => state.list(Part).length === state.list(Machine).length;
    expect(await oracleOf(() => hasty, { faults: ['crash-after'], matches })).toMatch(/^matches: /);
    const never = law('a part is there', (state) => state.list(Part).length > 0);
    expect(await oracleOf(() => () => {}, { faults: [], eventually: [never] })).toMatch(
      /^eventually: .*a part is there/,
    );
  });

  it('I-201: O2, it ends in another state than without faults', async () => {
    const counting =
      (memory: Map<string, number>): Options['reconcile'] =>
      async ({ object, owned }) => {
        memory.set('runs', (memory.get('runs') ?? 0) + 1);
        const index = object.metadata.generation === 1 ? memory.get('runs')! : 0;
        if (owned(Part).list().length === 0) await owned(Part).apply({ name: 'p', spec: { index } });
      };
    expect(await oracleOf(counting, { faults: ['unavailable'] })).toMatch(/^end-state: .*parts\/default\/p differs/);
  });

  it('I-201: O3, something is made again, or done again outside', async () => {
    const remaking =
      (memory: Map<string, number>): Options['reconcile'] =>
      async ({ owned }) => {
        const [part] = owned(Part).list();
        if (part && memory.size > 0) return;
        if (part) await owned(Part).delete(part);
        else await owned(Part).create({ name: 'p', spec: { index: 0 } });
        memory.set('made', 1);
      };
    expect(await oracleOf(remaking, { faults: ['restart'], quietRestart: false })).toMatch(
      /^extra-creates: .* was created 2 times, 1 without faults/,
    );
    const paid = await explore({
      name: 'pays',
      externals: () => ({ bank: { pay: (key: string) => key } }),
      onceOutside: (_call, [key]) => String(key),
      controllers: ({ externals }) => [
        defineController(Machine, {
          async reconcile({ object, status }) {
            if (object.status?.phase === 'Paid') return;
            await (externals['bank']!['pay'] as (key: string) => Promise<string>)(object.metadata.uid);
            await status({ phase: 'Paid' });
          },
        }),
      ],
      scenario: async (user) => void (await user.create(Machine, { name: 'a', spec: { parts: 1 } })),
      faults: ['crash-after'],
      depth: 1,
    });
    expect(paid.failures[0]?.violation).toMatchObject({ oracle: 'extra-effects' });
  });

  it('I-201: O4, a law is broken at some revision, though not at the end', async () => {
    const passing: Options['reconcile'] = async ({ owned }) => {
      await owned(Part).apply({ name: 'p', spec: { index: 0 } });
      const extra = await owned(Part).apply({ name: 'q', spec: { index: 0 } });
      await owned(Part).delete(extra);
    };
    expect(await oracleOf(() => passing, { faults: [], always: [atMost(Part, 1)] })).toMatch(
      /^always: at most 1 of Part/,
    );
  });

  it('I-201: O5, at rest it writes when it is asked once more', async () => {
    const noisy =
      (memory: Map<string, number>): Options['reconcile'] =>
      async ({ status }) => {
        const runs = (memory.get('runs') ?? 0) + 1;
        memory.set('runs', runs);
        if (runs % 2 === 1) await status({ phase: String(runs) });
      };
    expect(await oracleOf(noisy, { faults: [] })).toMatch(/^not-idempotent: at rest every object was reconciled/);
  });

  it('I-201: O6, a process writes after another has taken its place', async () => {
    const report = await explore({
      name: 'two',
      replicas: 2,
      sameEnd: false,
      controllers: (environment) => [
        defineController(Machine, {
          reconcile: async ({ object }) =>
            void (await environment.store.put({ key: `/notes/${object.metadata.name}`, value: environment.process })),
        }),
      ],
      async scenario(user) {
        await user.create(Machine, { name: 'a', spec: { parts: 1 } });
        await user.create(Machine, { name: 'b', spec: { parts: 1 } });
      },
      faults: [],
      depth: 1,
    });
    expect(report.failures[0]?.violation).toMatchObject({ oracle: 'fencing' });
  });

  it('I-201: O7, a fault makes it write far more than usual', async () => {
    const restless =
      (memory: Map<string, number>): Options['reconcile'] =>
      async ({ object, status }) => {
        const afresh = memory.size === 0 && object.status?.phase === 'Done';
        memory.set('runs', 1);
        for (let write = 0; afresh && write < 5; write++) await status({ phase: String(write) });
        await status({ phase: 'Done' });
      };
    const judged = { faults: ['restart'] as const, writes: { factor: 1, plus: 1 }, quietRestart: false };
    expect(await oracleOf(restless, judged)).toMatch(/^write-amplification: /);
  });

  it('I-201: O8, a restart at rest makes it write', async () => {
    const forgetful =
      (memory: Map<string, number>): Options['reconcile'] =>
      async ({ status }) => {
        if (memory.size === 0) await status({ phase: `${String(Math.random())}` });
        memory.set('done', 1);
      };
    expect(await oracleOf(forgetful, { faults: [] })).toMatch(/^restart: at rest every process was restarted/);
  });

  it('I-201: O9, it throws what only a bug throws', async () => {
    const broken: Options['reconcile'] = ({ object }) => void (object.status!.phase.length > 0);
    expect(await oracleOf(() => broken, { faults: [] })).toMatch(/^hygiene: .*throws what only a bug does/);
    const declared = (error: unknown): boolean => error instanceof TypeError || isSetpointError(error);
    expect(await oracleOf(() => broken, { faults: [], declared })).toMatch(/^no-rest: it fails for ever/);
  });

  it('I-201: O10, two runs of one schedule differ', async () => {
    let runs = 0;
    const leaking: Options['reconcile'] = async ({ object, status }) => {
      if (object.status === undefined) await status({ phase: process.hrtime.bigint().toString() });
    };
    expect(await oracleOf(() => leaking, { faults: [] })).toMatch(/^determinism: .*machines\/default\/a differs/);
    const shared: Options['reconcile'] = (context) => (++runs === 1 ? undefined : makes(context));
    expect(await oracleOf(() => shared, { faults: [] })).toMatch(/^determinism: two runs of the same schedule differ/);
  });
});
