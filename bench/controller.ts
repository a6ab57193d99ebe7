/**
 * What a controller adds on the way: from an event in the store to the start of the reconcile, at 1,000 and 10,000 events
 * a second; and how many reconciles a second it can run that find nothing to do. Everything is in one process, on the
 * embedded store, with a manager's defaults: informer, queue, workers, metrics, history, time-outs.
 * `--help` tells the options.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createManager, defineController, memoryStore } from 'setpoint';
import { createMetrics, systemClock } from 'setpoint/workqueue';
import { newWidget, Widget, widgetsPrefix } from './e2e/job.ts';
import { commandLine, decimal } from '../test/harness/command-line.ts';
import { type Figure, reportFigures, reporting } from './report.ts';
import { collectGarbage, median, percentile } from './rounds.ts';

const options = commandLine({
  run: 'npm run bench -- controller',
  about: 'What a controller adds from an event in the store to the start of its reconcile. Has no aims of its own.',
  options: { seconds: decimal('of events at each rate', { default: 5, takes: 'S' }), ...reporting },
});

const OBJECTS = 10_000;
const ROUNDS = 5;
const prefix = '/registry';

/** Puts objects at a steady rate, from the same process; the time of an event is that of its put. */
async function latencies(perSecond: number, concurrency: number): Promise<readonly number[]> {
  const store = memoryStore();
  const putAt = new Map<string, number>();
  const late: number[] = [];
  const things = defineController(Widget, {
    concurrency,
    reconcile({ key }) {
      const at = putAt.get(key);
      if (at === undefined) return;
      putAt.delete(key);
      late.push(systemClock.now() - at);
    },
  });
  const manager = createManager({ store, prefix, controllers: [things], metrics: createMetrics() });
  const run = manager.run(new AbortController().signal);
  await manager.whenReady();
  const count = perSecond * options.seconds;
  const values = Array.from({ length: OBJECTS }, (_, index) => newWidget(index));
  const start = systemClock.now();
  for (let made = 0; made < count;) {
    const due = Math.min(count, Math.floor(((systemClock.now() - start) / 1000) * perSecond));
    for (; made < due; made++) {
      const { name, text } = values[made % OBJECTS]!;
      const key = `default/${name}`;
      if (putAt.has(key)) continue; // it coalesces with the one that is under way
      putAt.set(key, systemClock.now());
      void store.put({ key: `${widgetsPrefix(prefix)}${key}`, value: text });
    }
    await wait(1);
  }
  while (putAt.size > 0) await wait(1);
  await manager.stop();
  await run;
  await store.close();
  return late;
}

/** Reconciles of 10,000 objects that find nothing to do, again and again. */
async function noOps(concurrency: number): Promise<number> {
  const store = memoryStore();
  for (let index = 0; index < OBJECTS; index++) {
    const { name, text } = newWidget(index);
    await store.put({ key: `${widgetsPrefix(prefix)}default/${name}`, value: text });
  }
  let ran = 0;
  const things = defineController(Widget, {
    concurrency,
    async reconcile({ object }) {
      if (object.spec.stamp !== '') ran++;
    },
  });
  const manager = createManager({ store, prefix, controllers: [things], metrics: createMetrics() });
  const run = manager.run(new AbortController().signal);
  await manager.whenReady();
  const controller = manager.controller(things.name);
  const keys = [...manager.informer(Widget).lister.keys()];
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS + 1; round++) {
    while (controller.queue.length + controller.queue.processing > 0) await wait(1);
    collectGarbage();
    ran = 0;
    const start = systemClock.now();
    for (const key of keys) controller.queue.add(key);
    while (ran < keys.length) await systemClock.yield();
    if (round > 0) rates.push(ran / ((systemClock.now() - start) / 1000));
  }
  await manager.stop();
  await run;
  await store.close();
  return median(rates);
}

const figures: Figure[] = [];
for (const perSecond of [1000, 10_000]) {
  await latencies(perSecond, 16).then((late) => {
    for (const share of [0.5, 0.99]) {
      const name = `event to reconcile start at ${perSecond.toLocaleString('en')}/s, p${share * 100}`;
      figures.push({ name, value: percentile(late, share), unit: 'ms' });
    }
  });
}
for (const concurrency of [1, 64]) {
  const name = `no-op reconciles with ${concurrency} worker${concurrency === 1 ? '' : 's'}`;
  figures.push({ name, value: await noOps(concurrency), unit: '/s' });
}
reportFigures('controller', figures, options);
