/**
 * Does a stop leave anything behind? A manager with ten controllers and a health endpoint is started and stopped, a
 * thousand times over, on one store, in one process, under one signal that outlives them all. Afterwards heap, sockets,
 * timers and listeners must be what they were.
 *
 * `--count N`, `--gate`, `--json FILE`.
 */
import { getEventListeners } from 'node:events';
import { get } from 'node:http';
import { createManager, defineController, defineResource, memoryStore } from 'setpoint';
import { z } from 'zod';
import { type Figure, numberOptions, reportFigures } from './report.ts';
import { collectGarbage } from './rounds.ts';

const options = numberOptions({ count: 1000 });
/** Until everything is compiled and every cache of Node's own has its size. */
const WARM_UP = 200;
const HEAP_GROWTH_MAX_KB = 1024;

const kinds = Array.from({ length: 10 }, (_, index) =>
  defineResource({
    group: 'bench.dev',
    version: 'v1',
    kind: `Thing${index}`,
    plural: `things${index}`,
    spec: z.object({ size: z.int() }),
  }),
);
const store = memoryStore();
const outliving = new AbortController();
const warnings: string[] = [];
process.on('warning', (warning) => void warnings.push(warning.message));
const { client } = createManager({ store });
for (const kind of kinds) await client.resource(kind).create({ name: 'one', spec: { size: 1 } });

/** One life: every controller has reconciled its object, and health was asked over a socket. */
async function live(): Promise<void> {
  let left = kinds.length;
  let allRan = (): void => {};
  const ran = new Promise<void>((resolve) => (allRan = resolve));
  const controllers = kinds.map((kind) =>
    defineController(kind, {
      reconcile() {
        if (--left === 0) allRan();
        return { requeueAfterMs: 60_000 };
      },
    }),
  );
  const manager = createManager({ store, controllers, health: { port: 0 } });
  const run = manager.run(outliving.signal);
  await Promise.all([manager.whenReady(), ran]);
  const status = await ask(`${await manager.healthUrl()}/readyz`);
  if (status !== 200) throw new Error(`not ready: ${status}`);
  await manager.stop();
  await run;
}

/** Not by `fetch`, which keeps something of every port that it ever talked to. */
function ask(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { agent: false }, (answer) => {
      answer.resume().once('close', () => resolve(answer.statusCode));
    });
    asked.once('error', reject);
  });
}

/** What is there after everything that can end has. */
async function inventory() {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    collectGarbage();
  }
  const resources = process.getActiveResourcesInfo();
  const count = (pattern: RegExp): number => resources.filter((name) => pattern.test(name)).length;
  return {
    heapKb: process.memoryUsage().heapUsed / 1024,
    sockets: count(/^(TCP|Pipe)/),
    timers: count(/^(Timeout|Immediate)/),
    signalListeners: getEventListeners(outliving.signal, 'abort').length,
    processListeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

for (let life = 0; life < WARM_UP; life++) await live();
const before = await inventory();
for (let life = 0; life < options.count; life++) await live();
const after = await inventory();

const grown = (name: keyof typeof before, unit: string, max: number): Figure => ({
  name: `${name} more than before`,
  value: after[name] - before[name],
  unit,
  max,
});
reportFigures(
  `cycles (${options.count} lives of ten controllers)`,
  [
    grown('heapKb', 'KB', HEAP_GROWTH_MAX_KB),
    grown('sockets', '', 0),
    grown('timers', '', 0),
    grown('signalListeners', '', 0),
    grown('processListeners', '', 0),
    { name: 'warnings of the process', value: warnings.length, unit: '', max: 0 },
  ],
  options,
);
await store.close();
