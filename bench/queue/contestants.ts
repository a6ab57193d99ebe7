/** What is done with queues, and the queues that it is done with. */
import PQueue from 'p-queue';
import { WorkQueue } from 'setpoint/workqueue';
import type { Contestant } from '../rounds.ts';

export const MILLION = 1_000_000;

/** Distinct keys, hashed before anything is timed, or the contestant that sees them first would pay for all. */
export function distinctKeys(count: number): readonly string[] {
  const keys = Array.from({ length: count }, (_, index) => `namespace-${index % 100}/name-${index}`);
  if (new Set(keys).size !== count) throw new Error('the keys are not distinct');
  return keys;
}

/** What a near-empty queue goes through: few enough to stay in the processor's cache, as nothing else is measured. */
const FEW_KEYS = distinctKeys(1000);

/** What a burst consists of, and twice what the full queue holds. Made when they are first asked for. */
export const manyKeys = (() => {
  let keys: readonly string[] | undefined;
  return () => (keys ??= distinctKeys(2 * MILLION));
})();

export type PolledQueue = { add(key: string): void; tryGet(): string | undefined; done(key: string): void };

/** Adds the keys in turn, for ever. */
function adder(queue: Pick<PolledQueue, 'add'>, keys: readonly string[]): () => void {
  let next = 0;
  return () => {
    queue.add(keys[next]!);
    next = next + 1 === keys.length ? 0 : next + 1;
  };
}

/** Each cycle adds the next key and finishes the one whose turn it is. `queued` keys are there from the beginning. */
export const polled = (name: string, create: () => PolledQueue, queued = 0): Contestant => ({
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
export const polledBurst = (name: string, create: () => PolledQueue): Contestant => ({
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
export const awaited: Contestant = {
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
export const awaitedWaiting: Contestant = {
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

export const awaitedBurst: Contestant = {
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

export const pQueue: Contestant = {
  name: 'p-queue',
  start() {
    const queue = new PQueue({ concurrency: 1 });
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) await queue.add(doNothing);
    };
  },
};

export const pQueueBurst: Contestant = {
  name: 'p-queue',
  start() {
    const queue = new PQueue({ concurrency: 1 });
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) void queue.add(doNothing);
      await queue.onIdle();
    };
  },
};

/** Five adds for each key that is handed out, most of which find it there already. */
export const absorbed = (name: string, create: () => PolledQueue): Contestant => ({
  name,
  start() {
    const queue = create();
    return (adds) => {
      const addNext = adder(queue, FEW_KEYS);
      for (let add = 0; add < adds; add++) addNext();
      for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) queue.done(key);
    };
  },
});

const WORKERS = 10;

/** Ten workers that each await a key, do nothing and say so; the keys come in a burst. */
export const tenWorkers: Contestant = {
  name: 'setpoint get',
  start() {
    const queue = new WorkQueue();
    let left = 0;
    let drained = (): void => {};
    const work = async (): Promise<void> => {
      for (;;) {
        const key = (await queue.get())!;
        await doNothing();
        queue.done(key);
        if (--left === 0) drained();
      }
    };
    for (let worker = 0; worker < WORKERS; worker++) void work();
    const keys = manyKeys();
    return async (cycles) => {
      left = cycles;
      const over = new Promise<void>((resolve) => (drained = resolve));
      for (let index = 0; index < cycles; index++) queue.add(keys[index]!);
      await over;
    };
  },
};

export const tenWorkersPQueue: Contestant = {
  name: 'p-queue',
  start() {
    const queue = new PQueue({ concurrency: WORKERS });
    return async (cycles) => {
      for (let index = 0; index < cycles; index++) void queue.add(doNothing);
      await queue.onIdle();
    };
  },
};

const HOUR_MS = 3_600_000;

/** A key is delayed, its delay is shortened, it is wanted at once after all, handed out and done; `waiting` others wait. */
export const delayed = (waiting: number): Contestant => ({
  name: waiting === 0 ? 'setpoint, no others' : `setpoint, ${waiting.toLocaleString('en')} others`,
  start() {
    const queue = new WorkQueue();
    const others = manyKeys();
    for (let index = 0; index < waiting; index++) {
      queue.addAfter(others[index]!, HOUR_MS + ((index * 7919) % HOUR_MS));
    }
    let next = 0;
    return (cycles) => {
      for (let cycle = 0; cycle < cycles; cycle++) {
        const key = FEW_KEYS[next]!;
        next = next + 1 === FEW_KEYS.length ? 0 : next + 1;
        queue.addAfter(key, HOUR_MS + ((cycle * 7919) % HOUR_MS));
        queue.addAfter(key, HOUR_MS / 2);
        queue.add(key);
        queue.done(queue.tryGet()!);
      }
    };
  },
});
