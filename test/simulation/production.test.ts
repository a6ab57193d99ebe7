import { createClient, defineController, defineResource, memoryStore, SetpointError } from 'setpoint';
import type { Store } from 'setpoint/store';
import {
  atMost,
  createTestManager,
  FakeClock,
  monitorLaws,
  playRecording,
  recordScenario,
  settle,
  simulate,
} from 'setpoint/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';

const group = { group: 'prod.test', version: 'v1' } as const;
const Part = defineResource({ ...group, kind: 'Part', plural: 'parts', spec: z.object({}) });
const Machine = defineResource({
  ...group,
  kind: 'Machine',
  plural: 'machines',
  spec: z.object({ parts: z.int() }),
  status: z.object({ made: z.int() }),
});
const machines = () =>
  defineController(Machine, {
    owns: [Part],
    async reconcile({ object, owned }) {
      for (let index = 0; index < object.spec.parts; index++) await owned(Part).apply({ name: `p-${index}`, spec: {} });
    },
  });

it('watches the laws of a simulation in production, and tells a breach once', async () => {
  const store = memoryStore();
  const told: string[] = [];
  const stop = monitorLaws({
    store,
    laws: [atMost(Part, 2)],
    onBreach: ({ message }) => told.push(message),
    onMended: (law) => told.push(`mended: ${law}`),
  });
  const world = await createTestManager({ controllers: [machines()], store });
  await world.create(Machine, { name: 'a', spec: { parts: 2 } });
  await world.settled();
  expect(told).toEqual([]);
  await world.create(Machine, { name: 'b', spec: { parts: 1 } });
  for (const name of ['x', 'y']) await world.create(Part, { name, spec: {} });
  await settle();
  expect(told).toEqual(['at most 2 of Part: there are 3 of Part, at most 2 may be']);
  for (const name of ['x', 'y']) await world.delete(Part, name);
  await settle();
  expect(told.at(-1)).toBe('mended: at most 2 of Part');
  stop();
  await world.stop();
});

/** The same store, whose watches fail once `broken` says with what. */
function breaking(store: Store): { readonly store: Store; breakWith(error: SetpointError): void } {
  const running = new Set<(error: SetpointError) => void>();
  const watch: Store['watch'] = (request, options = {}) => ({
    async *[Symbol.asyncIterator]() {
      const inner = new AbortController();
      const signal = AbortSignal.any([inner.signal, ...(options.signal ? [options.signal] : [])]);
      let failure: SetpointError | undefined;
      const fail = (error: SetpointError): void => {
        failure = error;
        inner.abort();
      };
      running.add(fail);
      try {
        yield* store.watch(request, { ...options, signal });
      } finally {
        running.delete(fail);
      }
      if (failure) throw failure;
    },
  });
  const broken = new Proxy(store, { get: (of, name) => (name === 'watch' ? watch : bound(of, name)) });
  return { store: broken, breakWith: (error) => running.forEach((fail) => fail(error)) };
}

function bound(store: Store, name: string | symbol): unknown {
  const value: unknown = Reflect.get(store, name);
  return typeof value === 'function' ? (value.bind(store) as unknown) : value;
}

const compacted = (): SetpointError => new SetpointError('Compacted', 'history is gone');

it('I-208: goes on watching the laws when its watch broke, and says so meanwhile', async () => {
  const clock = new FakeClock();
  const { store, breakWith } = breaking(memoryStore({ clock }));
  const told: string[] = [];
  const stop = monitorLaws({
    store,
    laws: [atMost(Part, 1)],
    clock,
    onBreach: ({ message }) => told.push(message),
    onMended: (law) => told.push(`mended: ${law}`),
  });
  await settle();
  breakWith(compacted());
  await settle();
  expect(told).toEqual(["the laws can't be watched: Compacted: history is gone"]);
  const client = createClient({ store, clock });
  for (const name of ['x', 'y']) await client.resource(Part).create({ name, spec: {} });
  await clock.advance(2_000);
  const breach = 'at most 1 of Part: there are 2 of Part, at most 1 may be';
  expect(told.slice(1)).toEqual(['mended: monitor', breach]);
  await client.resource(Part).delete('x');
  await settle();
  expect(told.at(-1)).toBe('mended: at most 1 of Part');
  stop();
});

it('I-208: lists anew what went while it could not look, soon after each break, and ends with its store', async () => {
  const clock = new FakeClock();
  const { store, breakWith } = breaking(memoryStore({ clock }));
  const parts = createClient({ store, clock }).resource(Part);
  const told: string[] = [];
  const tell = ({ law }: { readonly law: string }): void => void told.push(law);
  const onMended = (law: string): void => void told.push(`mended: ${law}`);
  monitorLaws({ store, laws: [atMost(Part, 1)], clock, onBreach: tell, onMended });
  await settle();
  for (let times = 0; times < 8; times++) {
    for (const name of ['x', 'y']) await parts.create({ name, spec: {} });
    await settle();
    breakWith(compacted());
    await settle();
    for (const name of ['x', 'y']) await parts.delete(name);
    await clock.advance(1_600);
    const law = 'at most 1 of Part';
    expect(told.splice(0)).toEqual([law, 'monitor', 'mended: monitor', `mended: ${law}`]);
  }
  await store.close();
  await settle();
  expect([told, clock.pendingTimers]).toEqual([['monitor'], 0]);
});

it('I-208: records neither what only changed a status nor what is no object, and says where it could not look', async () => {
  const clock = new FakeClock();
  const { store, breakWith } = breaking(memoryStore({ clock }));
  const client = createClient({ store, clock });
  const machine = client.resource(Machine);
  await machine.create({ name: 'a', spec: { parts: 1 } });
  await machine.create({ name: 'gone', spec: { parts: 1 } });
  const recording = recordScenario({ store, plurals: ['machines'], now: () => clock.now(), clock });
  await settle();
  await machine.modifyStatus('a', () => ({ made: 1 }));
  await store.put({ key: '/registry/machines/default/poison', value: 'no JSON' });
  await store.put({ key: '/registry/machines/default/odd', value: '{"metadata":null}' });
  await settle();
  expect(recording.steps).toEqual([]);
  breakWith(compacted());
  await settle();
  await machine.modify('a', () => ({ spec: { parts: 2 } }));
  await machine.delete('gone');
  await clock.advance(2_000);
  await machine.modify('a', () => ({ spec: { parts: 3 } }));
  await settle();
  const steps = recording.steps.map(({ key, value }) => [key, value && (JSON.parse(value) as { spec: object }).spec]);
  expect(steps).toEqual([
    ['machines/default/a', { parts: 2 }],
    ['machines/default/gone', null],
    ['machines/default/a', { parts: 3 }],
  ]);
  expect(recording.gaps).toEqual([{ afterSteps: 0, reason: 'Compacted: history is gone' }]);
  recording.stop();
});

it('records from its history, and from now on where that is gone', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const client = createClient({ store, clock });
  await client.resource(Machine).create({ name: 'a', spec: { parts: 1 } });
  const all = { store, plurals: ['machines'], now: () => clock.now(), clock };
  const [whole, late] = [recordScenario({ ...all, startRevision: 1n }), recordScenario(all)];
  await settle();
  expect([whole.steps.length, late.steps.length]).toEqual([1, 0]);
  const { revision } = await client
    .resource(Machine)
    .create({ name: 'b', spec: { parts: 1 } })
    .then(() => store.range({ prefix: '/' }));
  await store.compact(revision);
  const gap = recordScenario({ ...all, startRevision: 2n });
  await clock.advance(2_000);
  await client.resource(Machine).create({ name: 'c', spec: { parts: 1 } });
  await settle();
  expect([whole, late, gap].map(({ steps }) => steps.length)).toEqual([3, 2, 1]);
  expect(gap.gaps).toEqual([{ afterSteps: 0, reason: expect.stringContaining('Compacted') as string }]);
  for (const each of [whole, late, gap]) each.stop();
});

it('turns what people did in production into a scenario that is run under faults', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const recording = recordScenario({ store, plurals: ['machines'], now: () => clock.now() });
  const world = await createTestManager({ controllers: [machines()], store, clock });
  await world.create(Machine, { name: 'a', spec: { parts: 1 } });
  await world.settled();
  await world.apply(Machine, { name: 'a', spec: { parts: 2 } });
  await world.settled();
  await world.delete(Machine, 'a');
  await world.settled();
  recording.stop();
  await world.stop();
  const steps = JSON.parse(JSON.stringify(recording.steps)) as typeof recording.steps;
  expect(steps.map(({ key, value }) => [key, value === null])).toEqual([
    ['machines/default/a', false],
    ['machines/default/a', false],
    ['machines/default/a', true],
  ]);
  const report = await simulate({
    name: 'recorded',
    controllers: () => [machines()],
    scenario: (user) => playRecording(steps, user, [Machine]),
    always: [atMost(Part, 2)],
    matches: (state) => state.list(Part).length === state.list(Machine).reduce((sum, { spec }) => sum + spec.parts, 0),
    faults: ['crash-after', 'restart'],
    depth: 1,
    budget: { schedules: 200, ms: 60_000 },
  });
  expect(report.schedules).toBeGreaterThan(5);
});
