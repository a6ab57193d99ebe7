import { defineController } from 'setpoint';
import { campaign, type Leadership, openSession } from 'setpoint/coordination';
import type { SimulatedEnvironment } from 'setpoint/testing';
import { App, status } from './kinds.ts';
import type { Seed } from './seed.ts';

/** Bugs of writing too much, and of writing when it is another one's turn. */
export const restSeeds: readonly Seed[] = [
  {
    number: 17,
    title: 'writes the time of its last run into the status',
    modelledOn: 'the NodePort rewrite of zookeeper-operator (Sieve 5.2)',
    subject: (buggy) => ({
      name: 'seed-17',
      controllers: () => [
        defineController(App, {
          async reconcile({ object, status: report }) {
            const stamp = buggy ? new Date().toISOString() : (object.status?.stamp ?? new Date().toISOString());
            await report({ ...status, stamp });
          },
        }),
      ],
      sameEnd: false,
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => state.list(App).every((app) => app.status !== undefined),
    }),
  },
  {
    number: 19,
    title: 'goes on after it has lost the leadership',
    modelledOn: 'cilium#42920, kubernetes#23731',
    subject: (buggy) => ({
      name: 'seed-19',
      replicas: 2,
      fenced: true,
      sameEnd: false,
      noExtraCreates: false,
      faults: ['pause', 'crash-before', 'crash-after'],
      manager: (environment) => ({ runnables: [{ name: 'leader election', run: () => untilDeposed(environment) }] }),
      controllers: (environment) => {
        const leadership = lead(environment);
        leadership.catch(() => {}); // the runnable tells of it
        return [
          defineController(App, {
            async reconcile({ object }) {
              const leader = await Promise.race([leadership, Promise.resolve(undefined)]);
              if (!leader) return { requeueAfterMs: 1000 };
              const store = buggy ? environment.store : leader.ownership.store;
              const key = `/notes/${object.metadata.name}`;
              const { kvs } = await store.range({ key });
              const note = `seen at generation ${object.metadata.generation}`;
              if (Buffer.from(kvs[0]?.value ?? '').toString() === note) return {};
              await store.put({ key, value: note });
              return {};
            },
          }),
        ];
      },
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.create(App, { name: 'b', spec: {} });
        await user.modify(App, 'a', () => ({ spec: { replicas: 2, size: 1, note: '' } }));
        await user.wait(60_000);
      },
    }),
  },
];

const leaderships = new WeakMap<SimulatedEnvironment, Promise<Leadership>>();

function lead(environment: SimulatedEnvironment): Promise<Leadership> {
  const leadership = leaderships.get(environment) ?? campaigned(environment);
  leaderships.set(environment, leadership);
  return leadership;
}

/** Who was deposed ends, as a process, and starts over. */
async function untilDeposed(environment: SimulatedEnvironment): Promise<void> {
  const { signal } = await lead(environment);
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

async function campaigned(environment: SimulatedEnvironment): Promise<Leadership> {
  const { store, clock, random, process } = environment;
  const session = await openSession({ store, clock, random, ttlSeconds: 10, identity: process });
  return campaign(session, 'seed-19', { value: process });
}
