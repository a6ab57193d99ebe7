/**
 * Does a stop leave anything behind? A manager with ten controllers and a health endpoint is started and stopped, a
 * thousand times over, on one store, in one process, under one signal that outlives them all. Afterwards heap, sockets,
 * timers and listeners must be what they were, and no manager, controller, queue or informer may be left in memory.
 *
 * As many lives go before, unmeasured: code that is compiled and optimized bit by bit makes the heap grow for some
 * hundreds of them, ever more slowly, where a leak grows with each life alike.
 *
 * `--help` tells the options.
 */
import { getEventListeners } from 'node:events';
import { get } from 'node:http';
import { queryObjects } from 'node:v8';
import { createManager, defineController, defineResource, memoryStore } from 'setpoint';
import { z } from 'zod';
import { commandLine, whole } from '../test/harness/command-line.ts';
import { type Figure, reportFigures, reporting } from './report.ts';
import { collectGarbage } from './rounds.ts';

const options = commandLine({
  run: 'npm run bench -- cycles',
  about: 'What starts and stops of a manager with ten controllers leave behind.',
  options: { count: whole('how many lives', { default: 1000, min: 1 }), ...reporting },
});
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
// `queryObjects`, with which it counts, is an experiment of Node's.
process.on('warning', ({ name, message }) => void (name !== 'ExperimentalWarning' && warnings.push(message)));
const { client } = createManager({ store });
for (const kind of kinds) await client.resource(kind).create({ name: 'one', spec: { size: 1 } });

/** The classes of what a life consists of. */
const parts = new Set<Function>();

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
  for (const part of [
    manager,
    manager.controller('things0'),
    manager.controller('things0').queue,
    manager.informer(kinds[0]!),
  ]) {
    parts.add(part.constructor);
  }
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

/** How long a socket that was closed may take to be gone on a machine that is busy with other things. */
const CLOSING_MAX_TURNS = 100;

/** What is there after everything that can end has. */
async function inventory() {
  for (let turn = 0; turn < 5 || (turn < CLOSING_MAX_TURNS && openSockets() > 0); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    collectGarbage();
  }
  return {
    heapKb: process.memoryUsage().heapUsed / 1024,
    sockets: openSockets(),
    parts: [...parts].reduce((sum, part) => sum + queryObjects(part, { format: 'count' }), 0),
    timers: active(/^(Timeout|Immediate)/),
    signalListeners: getEventListeners(outliving.signal, 'abort').length,
    processListeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

const openSockets = (): number => active(/^(TCP|Pipe)/);

function active(pattern: RegExp): number {
  return process.getActiveResourcesInfo().filter((name) => pattern.test(name)).length;
}

for (let life = 0; life < options.count; life++) await live();
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
    grown('parts', '', 0),
    grown('sockets', '', 0),
    grown('timers', '', 0),
    grown('signalListeners', '', 0),
    grown('processListeners', '', 0),
    { name: 'warnings of the process', value: warnings.length, unit: '', max: 0 },
  ],
  options,
);
await store.close();
