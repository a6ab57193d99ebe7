import { readFile } from 'node:fs/promises';
import { defineController, defineResource } from 'setpoint';
import { atMost, explore, type ExploreOptions, replay, simulate } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const group = { group: 'sim.test', version: 'v1' } as const;
const Part = defineResource({ ...group, kind: 'Part', plural: 'parts', spec: z.object({ index: z.int() }) });
const Machine = defineResource({
  ...group,
  kind: 'Machine',
  plural: 'machines',
  spec: z.object({ parts: z.int() }),
  status: z.object({ phase: z.string() }),
});

type Reconcile = Parameters<typeof defineController<typeof Machine, readonly [typeof Part]>>[1]['reconcile'];

/** Enough to find what these tests look for, and few enough for a unit test. */
const FAULTS = ['crash-after', 'unknown', 'hold', 'restart'] as const;

/** A machine of two parts, made by `reconcile`. */
const machine = (reconcile: Reconcile, more: Partial<ExploreOptions> = {}): ExploreOptions => ({
  name: 'machine',
  controllers: () => [defineController(Machine, { owns: [Part], reconcile })],
  scenario: async (user) => void (await user.create(Machine, { name: 'a', spec: { parts: 2 } })),
  matches: (state) => state.list(Part).length === (state.get(Machine, 'a')?.spec.parts ?? 0),
  always: [atMost(Part, 2)],
  faults: FAULTS,
  depth: 1,
  budget: { schedules: 200, ms: 60_000 },
  ...more,
});

const sound: Reconcile = async ({ object, owned }) => {
  for (let index = 0; index < object.spec.parts; index++)
    await owned(Part).apply({ name: `p-${index}`, spec: { index } });
};

/** Records that it is done before it is. */
const hasty: Reconcile = async ({ object, owned, status }) => {
  if (object.status?.phase === 'Done') return;
  await status({ phase: 'Done' });
  for (let index = 0; index < object.spec.parts; index++)
    await owned(Part).apply({ name: `p-${index}`, spec: { index } });
};

const failureOf = (options: ExploreOptions): Promise<string> =>
  simulate(options).then(
    () => 'it passed',
    (error: Error) => error.message,
  );

describe('what a simulation is asked for', () => {
  // Each of these passed once: a law that nobody asks about holds always, and so does one against faults that are not.
  it.each([
    [{ allways: [atMost(Part, 0)] }, /no option 'allways': did you mean 'always'/],
    [{ matchs: () => false }, /no option 'matchs': did you mean 'matches'/],
    [{ ms: 60_000 }, /no option 'ms'/],
    [{ budget: { minutes: 5 } }, /budget has no option 'minutes': it takes schedules, ms/],
    [{ budget: { ms: '60s' } }, /budget\.ms must be a number; got a string/],
    [{ faults: ['crash-aftr', 'unknown'] }, /faults must be .*got 'crash-aftr'; did you mean 'crash-after'/],
    [{ faults: 'crash-after' }, /faults must be 'all' or a list.*got a string/],
    [{ always: () => true }, /always must be a list of laws.*got a function/],
    [{ always: [() => true] }, /always\[0\] must be a law, made by law\(name, check\); got a function/],
    [{ eventually: [undefined] }, /eventually\[0\] must be a law.*got nothing/],
    [{ matches: true }, /matches must be a function of the state; got a boolean/],
    [{ depth: 3 }, /depth must be 1, 2 or 'deeper'; got 3/],
    [{ scenario: undefined }, /scenario must be a function of the user; got nothing/],
    [{ controllers: {} }, /controllers must be a function.*got an object/],
  ] as [object, RegExp][])('is refused where it is not, as in %j', async (more, message) => {
    const wrong = { ...machine(sound), ...more } as ExploreOptions;
    for (const run of [simulate, explore]) {
      await expect(run(wrong)).rejects.toMatchObject({ code: 'Invalid', message: expect.stringMatching(message) });
    }
    expect(() => replay('v1.machine:none', wrong)).toThrow(message);
  });
});

describe('simulate', () => {
  it('passes a sound controller under every single fault, and says what it did', async () => {
    const report = await simulate(machine(sound));
    expect(report.failures).toEqual([]);
    expect(report.depth1.run).toBe(report.depth1.total);
    expect(report.depth1.total).toBeGreaterThan(8);
    expect(report.faultsStruck).toBeGreaterThanOrEqual(report.schedules);
  });

  it('I-207: finds the crash that breaks a hasty one, tells it in few lines, and replays it from its seed', async () => {
    const { failures } = await explore(machine(hasty));
    const [failure] = failures;
    expect(failure).toMatchObject({ violation: { oracle: 'matches' } });
    expect(failure!.faults).toHaveLength(1);
    expect(failure!.timeline.length).toBeLessThanOrEqual(10);
    expect(failure!.text).toContain(`SETPOINT_SEED='${failure!.seed}'`);
    const again = await replay(failure!.seed, machine(hasty));
    expect(again!.text).toBe(failure!.text);
    expect(await replay(failure!.seed, machine(sound))).toBeUndefined();
    await expect(async () => await replay('v1.other:none', machine(sound))).rejects.toThrow(/not one of 'machine'/);
  });

  it('I-207: makes a failure small by leaving out the steps of the user that it does not take', async () => {
    const options = machine(hasty, {
      async scenario(user) {
        await user.create(Machine, { name: 'a', spec: { parts: 1 } });
        await user.modify(Machine, 'a', ({ metadata }) => ({ labels: { ...metadata.labels, round: 'one' } }));
        await user.rest();
      },
      faults: ['crash-after'],
    });
    const { failures, shrinkMs } = await explore(options);
    const [failure] = failures;
    expect(failure!.omitted).toEqual([3, 2]);
    expect(failure!.text).toContain("without the user's steps 3, 2");
    expect(failure!.text).not.toContain('user  modify');
    expect(failure!.seed).toMatch(/^v1\.machine:omit@3,omit@2,crash-after@\d+$/);
    expect((await replay(failure!.seed, options))!.text).toBe(failure!.text);
    expect(shrinkMs).toBeLessThan(60_000);
  });

  it('gives the same whichever way promise jobs are run, also when every schedule runs twice', async () => {
    const options = machine(sound, { budget: { schedules: 15, ms: 60_000 }, doubleEvery: 1 });
    const [fast, slow] = [await explore(options), await explore({ ...options, draining: 'by-turns' })];
    expect(fast.failures).toEqual([]);
    expect(fast.doubleRuns).toBe(fast.schedules + 1);
    expect({ ...slow, elapsedMs: 0 }).toEqual({ ...fast, elapsedMs: 0 });
  });

  it('tells how far it has come while it runs, and lets others run in between', async () => {
    const told: number[] = [];
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    const budget = { schedules: 60, ms: 60_000 };
    const { schedules } = await explore(
      machine(sound, { budget, onProgress: ({ schedules: sofar }) => void told.push(sofar) }),
    ).finally(() => clearInterval(turning));
    expect(told.length).toBeGreaterThan(2);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect([told[0]! < schedules, told.at(-1)]).toEqual([true, schedules]);
    expect(turns).toBeGreaterThan(2);
  });

  it("puts its surroundings back as they were, a stand-in of the test's own as well", async () => {
    const stub = (): number => 7;
    const names = ['now', 'randomUUID'] as const;
    const own = (): unknown[] =>
      [performance, crypto].map((object, index) => Object.getOwnPropertyDescriptor(object, names[index]!));
    const before = own();
    await explore(machine(sound, { budget: { schedules: 3, ms: 60_000 } }));
    expect(own()).toEqual(before);
    const descriptor = { value: stub, configurable: true, writable: true, enumerable: true };
    Object.defineProperty(performance, 'now', descriptor);
    try {
      await explore(machine(sound, { budget: { schedules: 3 } }));
      expect(performance.now).toBe(stub);
    } finally {
      if (before[0]) Object.defineProperty(performance, 'now', before[0]);
      else Reflect.deleteProperty(performance, 'now');
    }
  });
});

describe('what a reconciler must not do is named with its place', () => {
  const here = /simulate\.test\.ts:\d+/;

  it('I-205: a store call that is not awaited', async () => {
    const message = await failureOf(
      machine(({ owned }) => {
        void owned(Part)
          .apply({ name: 'p', spec: { index: 0 } })
          .catch(() => {});
      }),
    );
    expect(message).toMatch(/a store call is not awaited: \w+/);
    expect(message).toMatch(here);
  });

  it('I-205: a change of a cached object', async () => {
    const message = await failureOf(
      machine(({ object }) => {
        (object.spec as { parts: number }).parts = 3;
      }),
    );
    expect(message).toMatch(/a cached object is changed \(machines of default\/a\)/);
    expect(message).toMatch(here);
  });

  it('I-205: a timer of its own', async () => {
    const message = await failureOf(machine(() => new Promise((resolve) => setTimeout(resolve, 100))));
    expect(message).toMatch(/a timer of its own/);
    expect(message).toMatch(here);
  });

  it('I-205: real work outside the simulation', async () => {
    const message = await failureOf(machine(async () => void (await readFile(import.meta.filename))));
    expect(message).toMatch(/real work outside the simulation: FS/);
    expect(message).toMatch(here);
  });
});

describe('nothing passes for nothing', () => {
  const endless = { matches: () => true };

  it('I-206: a budget too small for every single fault', async () => {
    expect(await failureOf(machine(sound, { budget: { schedules: 5 } }))).toMatch(/after 5 schedules, and \d+ single/);
  });

  it('I-206: a search without a fault', async () => {
    expect(await failureOf(machine(sound, { faults: [] }))).toMatch(/no fault struck anything/);
  });

  it('I-206: a controller that never comes to rest', async () => {
    const message = await failureOf(
      machine(async ({ object, status }) => {
        await status({ phase: String(Number(object.status?.phase ?? 0) + 1) });
      }, endless),
    );
    expect(message).toMatch(/never comes to rest|wrote \d+ times though nothing had changed/);
  });

  it('I-206: one that goes in a circle', async () => {
    const message = await failureOf(
      machine(
        async ({ object, status }) => await status({ phase: object.status?.phase === 'on' ? 'off' : 'on' }),
        endless,
      ),
    );
    expect(message).toMatch(/goes in a circle|wrote \d+ times though nothing had changed/);
  });

  it('I-206: a predicate that throws, and a scenario that waits for something else', async () => {
    const throwing = (): boolean => {
      throw new Error('oh');
    };
    expect(await failureOf(machine(sound, { matches: throwing }))).toMatch(
      /the law 'what is wanted' itself failed: oh/,
    );
    const stuck = machine(sound, { scenario: () => new Promise(() => {}) });
    expect(await failureOf(stuck)).toMatch(/waits for something that never comes/);
  });
});

/** Two processes, and a machine that gets a second part. */
const growing = machine(sound, {
  replicas: 2,
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 1 } });
    await user.modify(Machine, 'a', ({ spec }) => ({ spec: { parts: spec.parts + 1 } }));
  },
});

it('waits for a process that stands still before it judges, whatever happens to others meanwhile', async () => {
  const found = [];
  for (let pause = 1; pause <= 6; pause++) {
    for (let crash = pause + 1; crash <= pause + 4; crash++) {
      found.push((await replay(`v1.machine:pause@${pause},crash-before@${crash}`, growing))?.text);
    }
  }
  expect(found).toEqual(Array.from({ length: 24 }));
});

it('waits for a cache that is frozen again and again before it judges', async () => {
  expect((await replay('v1.machine:freeze@machines.1,freeze@machines.2', growing))?.text).toBeUndefined();
});
