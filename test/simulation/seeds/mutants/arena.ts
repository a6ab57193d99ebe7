/** What is run on a mutant: imported anew for each, with a runtime that is changed in one place. */
import { defineController } from 'setpoint';
import { atMost, explore, type ExploreOptions, type SimulationReport } from 'setpoint/testing';
import { Machine, Part } from '../../campaign/kinds.ts';
import { client, informer, queue, relists, successors } from '../../campaign/part-subjects.ts';
import { coordination, garbage, owners } from '../../campaign/runtime-subjects.ts';

/** Fails as long as something is missing that comes a minute later. */
const failing: ExploreOptions = {
  name: 'failing',
  externals: () => {
    let attempts = 0;
    return { meter: { attempt: () => ++attempts, attempts: () => attempts } };
  },
  controllers: ({ externals }) => [
    defineController(Machine, {
      async reconcile({ object, client: objects }) {
        await (externals['meter']!['attempt'] as () => Promise<number>)();
        if (!(await objects.resource(Part).find(object.metadata.name))) throw new Error('not yet');
      },
    }),
  ],
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 1 } });
    await user.wait(60_000);
    await user.create(Part, { name: 'a', spec: { index: 1 } }, { soon: true });
  },
  faults: ['crash-done', 'restart', 'jump', 'hold'],
  matches: () => true,
  always: [
    {
      name: 'at most forty attempts in the first minute',
      check: ({ externals }) => (externals['meter'] as { attempts(): number }).attempts() <= 40,
    },
  ],
};

/** Counts in the cache and gives what is missing a name drawn at random: sound where its own writes are waited for. */
const ownWrites: ExploreOptions = {
  name: 'own-writes',
  sameEnd: false,
  noExtraCreates: false,
  faults: ['hold', 'skip', 'freeze', 'break', 'compact', 'unavailable', 'restart', 'jump', 'start'],
  controllers: ({ random }) => [
    defineController(Machine, {
      owns: [Part],
      async reconcile({ object, owned }) {
        for (let missing = object.spec.parts - owned(Part).list().length; missing > 0; missing--) {
          await owned(Part).create({ name: `p-${random.uuid().slice(0, 8)}`, spec: { index: 0 } });
        }
      },
    }),
  ],
  async scenario(user) {
    await user.create(Machine, { name: 'a', spec: { parts: 2 } });
    await user.modify(Machine, 'a', () => ({ spec: { parts: 3 } }));
  },
  matches: (state) => state.list(Part).length === (state.get(Machine, 'a')?.spec.parts ?? 0),
  always: [atMost(Part, 3)],
};

/** Parts that are counted in the status: what is told of them while the reconcile that made them still runs counts. */
const counted: ExploreOptions = {
  ...owners,
  name: 'counted',
  scenario: async (user) => void (await user.create(Machine, { name: 'a', spec: { parts: 2 } })),
};

const subjects = [
  counted,
  relists,
  successors,
  informer,
  queue,
  client,
  owners,
  garbage,
  coordination,
  failing,
  ownWrites,
];

export function tryOut(subject: string, options: Partial<ExploreOptions>): Promise<SimulationReport> {
  const found = subjects.find(({ name }) => name === subject);
  if (!found) throw new Error(`there is no subject '${subject}'`);
  return explore({ ...options, ...found });
}
