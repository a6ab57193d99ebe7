import { defineController } from 'setpoint';
import { campaign, type Leadership, openSession } from 'setpoint/coordination';
import { atMost, type ExploreOptions, noOrphans, type SimulatedEnvironment } from 'setpoint/testing';
import { Fleet, Machine, names, Part } from './kinds.ts';

const machines = () =>
  defineController(Machine, {
    owns: [Part],
    async reconcile({ object, owned, status }) {
      const parts = owned(Part);
      const wanted = names(object.metadata.name, object.spec.parts);
      for (const [index, name] of wanted.entries()) await parts.apply({ name, spec: { index } });
      for (const extra of parts.list().filter(({ metadata }) => !wanted.includes(metadata.name))) {
        await parts.delete(extra);
      }
      await status({ parts: parts.list().length });
    },
  });

/** Informer, queue, controller, client: owned objects that follow their owner, with a status. */
export const owners: ExploreOptions = {
  name: 'owners',
  controllers: () => [machines()],
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 2 } });
    await user.modify(Machine, 'a', () => ({ spec: { parts: 1 } }), { soon: true });
    await user.modify(Machine, 'a', () => ({ spec: { parts: 3 } }));
    await user.deleteAndRest(Machine, 'a');
    await user.create(Machine, { name: 'a', spec: { parts: 1 } });
  },
  matches: (state) => {
    const wanted = state.get(Machine, 'a')?.spec.parts ?? 0;
    const told = state.get(Machine, 'a')?.status?.parts ?? 0;
    return state.list(Part).length === wanted && told === wanted;
  },
  always: [atMost(Part, 3)],
};

/** The garbage collector, over two generations of owners and with finalizers in between. */
export const garbage: ExploreOptions = {
  name: 'garbage-collector',
  controllers: () => [
    machines(),
    defineController(Fleet, {
      owns: [Machine],
      async reconcile({ object, owned }) {
        for (const name of names(object.metadata.name, object.spec.machines)) {
          await owned(Machine).apply({ name, spec: { parts: 1 } });
        }
      },
      finalize: () => {},
    }),
  ],
  async scenario(user) {
    await user.create(Fleet, { name: 'f', spec: { machines: 2 } });
    await user.deleteAndRest(Fleet, 'f');
    await user.create(Fleet, { name: 'f', spec: { machines: 1 } });
    await user.delete(Machine, 'f-0', { soon: true });
    await user.delete(Fleet, 'f');
  },
  matches: (state) => {
    const wanted = state.list(Fleet).reduce((sum, { spec }) => sum + spec.machines, 0);
    const whole = state.list(Machine).length === wanted && state.list(Part).length === wanted;
    return whole && noOrphans(Machine).check(state) === true && noOrphans(Part).check(state) === true;
  },
};

const leaderships = new WeakMap<SimulatedEnvironment, Promise<Leadership>>();

function lead(environment: SimulatedEnvironment): Promise<Leadership> {
  const { store, clock, random, process } = environment;
  const leadership =
    leaderships.get(environment) ??
    openSession({ store, clock, random, ttlSeconds: 10, identity: process }).then((session) =>
      campaign(session, 'notes', { value: process }),
    );
  leaderships.set(environment, leadership);
  return leadership;
}

async function untilDeposed(environment: SimulatedEnvironment): Promise<void> {
  const { signal } = await lead(environment);
  await new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

/** Sessions and elections: two candidates, stalled and killed at every call; only the leader's writes count. */
export const coordination: ExploreOptions = {
  name: 'coordination',
  replicas: 2,
  fenced: true,
  sameEnd: false,
  noExtraCreates: false,
  manager: (environment) => ({
    runnables: [{ name: 'leader election', run: () => untilDeposed(environment) }],
  }),
  controllers: (environment) => {
    const leadership = lead(environment);
    leadership.catch(() => {});
    return [
      defineController(Machine, {
        async reconcile({ object }) {
          const leader = await Promise.race([leadership, Promise.resolve(undefined)]);
          if (!leader) return { requeueAfterMs: 1000 };
          const key = `/notes/${object.metadata.name}`;
          const note = `seen at generation ${object.metadata.generation}`;
          const { kvs } = await leader.ownership.store.range({ key });
          if (Buffer.from(kvs[0]?.value ?? '').toString() === note) return {};
          await leader.ownership.store.put({ key, value: note });
          return {};
        },
      }),
    ];
  },
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 0 } });
    await user.modify(Machine, 'a', () => ({ spec: { parts: 1 } }));
  },
};
