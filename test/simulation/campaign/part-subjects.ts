import { defineController, generationChanged } from 'setpoint';
import { atMost, type ExploreOptions, type SimulatedUser, type WorldState } from 'setpoint/testing';
import { Machine, names, Part } from './kinds.ts';

const sumOf = (parts: readonly { readonly spec: { readonly index: number } }[]): number =>
  parts.reduce((sum, { spec }) => sum + spec.index, 0);

const addPart = (user: SimulatedUser, name: string, index: number, soon = false) =>
  user.create(Part, { name, spec: { index } }, { soon });

/**
 * One controller adds up what the cache of another kind says, one notes which incarnation of an object it was told of,
 * and looks only at changes of the spec.
 */
const sums = () => [
  defineController(Machine, {
    watches: [{ resource: Part, map: () => [{ name: 'sum', namespace: 'default' }] }],
    async reconcile({ lister, status }) {
      await status({ parts: sumOf(lister(Part).list()) });
    },
  }),
  defineController(Part, {
    predicates: [generationChanged],
    async reconcile({ object, status }) {
      await status({ seen: object.metadata.uid });
    },
  }),
];

const summed = (state: WorldState): boolean | string => {
  const parts = state.list(Part);
  const wrong = parts.find(({ metadata, status }) => status?.seen !== metadata.uid);
  if (wrong) return `${wrong.metadata.name} was not seen`;
  return state.list(Machine).every(({ status }) => status?.parts === sumOf(parts));
};

/** The informer, as {@link sums} use it: objects are changed, deleted, and made again under their names. */
export const informer: ExploreOptions = {
  name: 'informer',
  controllers: sums,
  async scenario(user) {
    await user.create(Machine, { name: 'sum', spec: { parts: 0 } });
    await addPart(user, 'x', 1);
    await addPart(user, 'y', 10, true);
    await user.modify(Part, 'x', () => ({ spec: { index: 100 } }));
    await user.delete(Part, 'x');
    await addPart(user, 'x', 1000, true);
    await user.delete(Part, 'y');
  },
  matches: summed,
};

/** The same in small. */
export const relists: ExploreOptions = {
  ...informer,
  name: 'relists',
  async scenario(user) {
    await user.create(Machine, { name: 'sum', spec: { parts: 0 } });
    await addPart(user, 'x', 1);
    await addPart(user, 'y', 10, true);
    await user.delete(Part, 'y');
    await user.delete(Part, 'x');
    await addPart(user, 'x', 100, true);
  },
};

/** Only that an object is made again under its name. */
export const successors: ExploreOptions = {
  ...informer,
  name: 'successors',
  async scenario(user) {
    await addPart(user, 'x', 1);
    await user.delete(Part, 'x');
    await addPart(user, 'x', 2, true);
  },
};

/** The queue: keys that fail a few times, are put off for a while, and are wanted while they are held. */
export const queue: ExploreOptions = {
  name: 'queue',
  controllers: ({ clock }) => {
    /** By generation of each object. In memory: a restart begins again, which is no harm. */
    const met = new Map<string, { failures: number; readonly since: number }>();
    return [
      defineController(Machine, {
        concurrency: 2,
        async reconcile({ object, status }) {
          const { uid, generation } = object.metadata;
          const known = met.get(`${uid} ${generation}`) ?? { failures: 0, since: clock.now() };
          met.set(`${uid} ${generation}`, known);
          if (known.failures++ < FAILURES) throw new Error('not yet');
          const leftMs = known.since + SETTLING_MS - clock.now();
          if (leftMs > 0) return { requeueAfterMs: leftMs };
          await status({ parts: object.spec.parts });
          return {};
        },
      }),
    ];
  },
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 1 } });
    await user.create(Machine, { name: 'b', spec: { parts: 2 } }, { soon: true });
    await user.modify(Machine, 'b', () => ({ spec: { parts: 3 } }), { soon: true });
    await user.modify(Machine, 'a', () => ({ spec: { parts: 4 } }));
    await user.wait(SETTLING_MS);
    await user.modify(Machine, 'a', () => ({ spec: { parts: 5 } }));
  },
  matches: (state) => state.list(Machine).every(({ spec, status }) => status?.parts === spec.parts),
};

const FAILURES = 3;
/** Longer than a rest between two steps, so that faults at rest find the key waiting. */
const SETTLING_MS = 12_000;

/** The client: creates, read-modify-write beside a user who does the same, deletes on condition, finalizers. */
export const client: ExploreOptions = {
  name: 'client',
  controllers: () => [
    defineController(Machine, {
      async reconcile({ object, client: objects, status }) {
        const { name } = object.metadata;
        const parts = objects.resource(Part);
        const wanted = names(name, object.spec.parts);
        for (const part of wanted) {
          // With its label from the start: a part without one would not be found again when it is one too many.
          if (!(await parts.find(part)))
            await parts.apply({ name: part, labels: { machine: name }, spec: { index: 0 } });
          await parts.modify(part, ({ metadata }) => ({ labels: { ...metadata.labels, machine: name } }));
        }
        const { items } = await parts.list({ labelSelector: `machine=${name}` });
        for (const extra of items.filter(({ metadata }) => !wanted.includes(metadata.name))) {
          await parts.delete(extra);
        }
        await status({ parts: wanted.length });
      },
      async finalize({ object, client: objects }) {
        const parts = objects.resource(Part);
        const { items } = await parts.list({ labelSelector: `machine=${object.metadata.name}` });
        for (const part of items) await parts.delete(part);
      },
    }),
  ],
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 2 } });
    await user.modify(Part, 'a-0', ({ metadata }) => ({ labels: { ...metadata.labels, colour: 'red' } }));
    await user.modify(Machine, 'a', () => ({ spec: { parts: 1 } }), { soon: true });
    await user.deleteAndRest(Machine, 'a');
  },
  matches: (state) => count(state) === (state.get(Machine, 'a')?.spec.parts ?? 0) && coloured(state),
  always: [atMost(Part, 2)],
};

const count = (state: WorldState): number => state.list(Part).length;

/** What the user put on an object stays there: only an object that was deleted by hand, and made again, lacks it. */
const coloured = (state: WorldState): boolean =>
  state.list(Part).every(({ metadata }) => metadata.labels?.['machine'] !== undefined);
