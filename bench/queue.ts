/**
 * How fast is the work queue, and beside whom? A cycle is: a key is added, handed out, and done.
 *
 * Two peers, measured in the same run: p-queue, the queue that Node programs usually take, which runs tasks and knows
 * no keys; and a naive queue on a Map and an array, which promises next to nothing. `setpoint get` awaits every key as
 * p-queue's user awaits every task, and is what p-queue is compared with; `setpoint tryGet` takes what is there, as the
 * controller does, and is compared with the naive queue. `--help` tells the options.
 */
import { namespaceOf, WorkQueue } from 'setpoint/workqueue';
import { commandLine, refuse, text, whole } from '../test/harness/command-line.ts';
import { NaiveQueue } from './naive-queue.ts';
import {
  absorbed,
  awaited,
  awaitedBurst,
  awaitedWaiting,
  delayed,
  manyKeys,
  MILLION,
  polled,
  polledBurst,
  type PolledQueue,
  pQueue,
  pQueueBurst,
  tenWorkers,
  tenWorkersPQueue,
} from './queue/contestants.ts';
import { memoryFigures, wakeUpFigures } from './queue/figures.ts';
import { type Gate, report, reporting } from './report.ts';
import { type Contestant, measure, type Scenario } from './rounds.ts';

const setpoint = (): PolledQueue => new WorkQueue();
const naive = (): PolledQueue => new NaiveQueue();
const fairness = { flowOf: namespaceOf };
const fair = (): PolledQueue => new WorkQueue({ fairness });
/** Keys of three priorities, whose namespaces take turns. */
const prioritised = (): PolledQueue => {
  const queue = new WorkQueue({ fairness });
  let adds = 0;
  return {
    add: (key) => queue.add(key, PRIORITIES[adds++ % PRIORITIES.length]),
    tryGet: () => queue.tryGet(),
    done: (key) => queue.done(key),
  };
};
const PRIORITIES = [{ priority: -100 }, { priority: 0 }, { priority: 10 }];

const NEAR_EMPTY = 'near-empty, each key taken at once';
const AWAITED = 'near-empty, each key awaited';
const FULL = '1,000,000 keys queued first';
const ABSORBED = '1,000 keys, 5,000,000 adds';
const DELAYED = 'delayed, sooner, at once';

const all = (contestant: (name: string, create: () => PolledQueue) => Contestant): Contestant[] => [
  contestant('setpoint tryGet', setpoint),
  contestant('setpoint, fair', fair),
  contestant('setpoint, fair, priorities', prioritised),
  contestant('naive', naive),
];

const scenarios: readonly Scenario[] = [
  { name: NEAR_EMPTY, cycles: 5000, rounds: 300, contestants: all(polled) },
  { name: AWAITED, cycles: 1000, rounds: 200, contestants: [awaited, awaitedWaiting, pQueue] },
  { name: FULL, cycles: 5000, rounds: 100, contestants: all((name, create) => polled(name, create, MILLION)) },
  { name: 'a burst of 1,000,000 keys', cycles: MILLION, rounds: 5, contestants: all(polledBurst) },
  { name: ABSORBED, cycles: 100_000, rounds: 50, contestants: all(absorbed) },
  {
    name: 'a burst of 100,000 keys, each awaited',
    cycles: 100_000,
    rounds: 8,
    contestants: [awaitedBurst, pQueueBurst],
  },
  { name: '10 workers, 100,000 keys', cycles: 100_000, rounds: 8, contestants: [tenWorkers, tenWorkersPQueue] },
  { name: DELAYED, cycles: 1000, rounds: 100, contestants: [delayed(0), delayed(100_000), delayed(MILLION)] },
];

const {
  only,
  rounds: roundsMax = Infinity,
  ...options
} = commandLine({
  run: 'npm run bench -- queue',
  about: 'The work queue beside p-queue and a naive queue.',
  options: {
    rounds: whole('of each scenario, at most', { min: 1 }),
    only: text('TEXT', 'the scenarios that have this in their name'),
    ...reporting,
  },
});
const isChosen = (name: string): boolean => name.includes(only ?? '');
if (!scenarios.some(({ name }) => isChosen(name))) refuse('only', "a part of a scenario's name", only ?? '');
const figures =
  only !== undefined
    ? []
    : [
        ...memoryFigures(manyKeys().slice(0, MILLION)),
        ...(await wakeUpFigures([])),
        ...(await wakeUpFigures(manyKeys().slice(0, 100_000))),
      ];
const measurements = [];
for (const scenario of scenarios.filter(({ name }) => isChosen(name))) {
  measurements.push(...(await measure({ ...scenario, rounds: Math.min(scenario.rounds, roundsMax) })));
}
const gates: readonly Gate[] = [
  { scenario: NEAR_EMPTY, contestant: 'setpoint tryGet', min: 3 * MILLION },
  { scenario: ABSORBED, contestant: 'setpoint tryGet', min: 30 * MILLION },
  { scenario: AWAITED, contestant: 'setpoint get', peer: 'p-queue', min: 5 },
  { scenario: FULL, contestant: 'setpoint tryGet', peer: 'naive', min: 0.8 },
  { scenario: NEAR_EMPTY, contestant: 'setpoint, fair, priorities', peer: 'setpoint tryGet', min: 0.5 },
  { scenario: FULL, contestant: 'setpoint, fair, priorities', peer: 'setpoint tryGet', min: 0.5 },
];
report(
  measurements,
  gates.filter(({ scenario }) => isChosen(scenario)),
  { ...options, title: 'queue', figures },
);
