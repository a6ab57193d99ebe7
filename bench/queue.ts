/**
 * How fast is the work queue, and beside whom? A cycle is: a key is added, handed out, and done.
 *
 * Two peers, measured in the same run: p-queue, the queue that Node programs usually take, which runs tasks and knows
 * no keys; and a naive queue on a Map and an array, which promises next to nothing. `setpoint get` awaits every key as
 * p-queue's user awaits every task, and is what p-queue is compared with; `setpoint tryGet` takes what is there, as the
 * controller does, and is compared with the naive queue.
 */
import PQueue from 'p-queue';
import { WorkQueue } from 'setpoint/workqueue';
import { NaiveQueue } from './naive-queue.ts';
import { report, reportOptions } from './report.ts';
import { type Contestant, measure, type Scenario } from './rounds.ts';

const MILLION = 1_000_000;

/** Distinct keys, hashed before anything is timed, or the contestant that sees them first would pay for all. */
function distinctKeys(count: number): readonly string[] {
  const keys = Array.from({ length: count }, (_, index) => `namespace-${index % 100}/name-${index}`);
  if (new Set(keys).size !== count) throw new Error('the keys are not distinct');
  return keys;
}

/** What a near-empty queue goes through: few enough to stay in the processor's cache, as nothing else is measured. */
const FEW_KEYS = distinctKeys(1000);

/** What a burst consists of, and twice what the full queue holds. Made when they are first asked for. */
const manyKeys = (() => {
  let keys: readonly string[] | undefined;
  return () => (keys ??= distinctKeys(2 * MILLION));
})();

type PolledQueue = Pick<WorkQueue, 'add' | 'tryGet' | 'done'>;

/** Adds the keys in turn, for ever. */
function adder(queue: Pick<WorkQueue, 'add'>, keys: readonly string[]): () => void {
  let next = 0;
  return () => {
    queue.add(keys[next]!);
    next = next + 1 === keys.length ? 0 : next + 1;
  };
}

/** Each cycle adds the next key and finishes the one whose turn it is. `queued` keys are there from the beginning. */
const polled = (name: string, create: () => PolledQueue, queued = 0): Contestant => ({
  name,
  start() {
    const queue = create();
    const addNext = adder(queue, queued > 0 ? manyKeys() : FEW_KEYS);
    for (let index = 0; index < queued; index++) addNext();
    return (cycles) => {
      for (let cycle = 0; cycle < cycles; cycle++) {
        addNext();
        queue.done(queue.tryGet()!);
      }
    };
  },
});

/** All keys are added, then all are handed out and done: a burst, such as the first list of a controller. */
const polledBurst = (name: string, create: () => PolledQueue): Contestant => ({
  name,
  start() {
    const queue = create();
    const keys = manyKeys();
    return (cycles) => {
      for (let index = 0; index < cycles; index++) queue.add(keys[index]!);
      for (let index = 0; index < cycles; index++) queue.done(queue.tryGet()!);
    };
  },
});

/** A worker that awaits each key and finds one. */
const awaited: Contestant = {
  name: 'setpoint get',
  start() {
    const queue = new WorkQueue();
    const addNext = adder(queue, FEW_KEYS);
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) {
        addNext();
        queue.done((await queue.get())!);
      }
    };
  },
};

/** A worker that is waiting already when its key comes. */
const awaitedWaiting: Contestant = {
  name: 'setpoint get, waiting',
  start() {
    const queue = new WorkQueue();
    const addNext = adder(queue, FEW_KEYS);
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) {
        const got = queue.get();
        addNext();
        queue.done((await got)!);
      }
    };
  },
};

const awaitedBurst: Contestant = {
  name: 'setpoint get',
  start() {
    const queue = new WorkQueue();
    const keys = manyKeys();
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) queue.add(keys[index]!);
      for (let index = 0; index < cycles; index++) queue.done((await queue.get())!);
    };
  },
};

const doNothing = async (): Promise<void> => {};

const pQueue: Contestant = {
  name: 'p-queue',
  start() {
    const queue = new PQueue({ concurrency: 1 });
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) await queue.add(doNothing);
    };
  },
};

const pQueueBurst: Contestant = {
  name: 'p-queue',
  start() {
    const queue = new PQueue({ concurrency: 1 });
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) void queue.add(doNothing);
      await queue.onIdle();
    };
  },
};

const setpoint = (): PolledQueue => new WorkQueue();
const naive = (): PolledQueue => new NaiveQueue();

const scenarios: readonly Scenario[] = [
  {
    name: 'near-empty, each key taken at once',
    cycles: 100_000,
    rounds: 30,
    contestants: [polled('setpoint tryGet', setpoint), polled('naive', naive)],
  },
  {
    name: 'near-empty, each key awaited',
    cycles: 20_000,
    rounds: 30,
    contestants: [awaited, awaitedWaiting, pQueue],
  },
  {
    name: '1,000,000 keys queued first',
    cycles: MILLION / 2,
    rounds: 8,
    contestants: [polled('setpoint tryGet', setpoint, MILLION), polled('naive', naive, MILLION)],
  },
  {
    name: 'a burst of 1,000,000 keys',
    cycles: MILLION,
    rounds: 8,
    contestants: [polledBurst('setpoint tryGet', setpoint), polledBurst('naive', naive)],
  },
  {
    name: 'a burst of 100,000 keys, each awaited',
    cycles: 100_000,
    rounds: 8,
    contestants: [awaitedBurst, pQueueBurst],
  },
];

const options = reportOptions();
const measurements = [];
for (const scenario of scenarios) measurements.push(...(await measure(scenario)));
report(
  measurements,
  [
    { scenario: 'near-empty, each key awaited', contestant: 'setpoint get', peer: 'p-queue', min: 5 },
    { scenario: '1,000,000 keys queued first', contestant: 'setpoint tryGet', peer: 'naive', min: 0.8 },
  ],
  options,
);
