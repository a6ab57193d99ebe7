import { defineController, defineResource, memoryStore } from 'setpoint';
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
const Machine = defineResource({ ...group, kind: 'Machine', plural: 'machines', spec: z.object({ parts: z.int() }) });
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
