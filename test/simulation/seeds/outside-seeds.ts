import { defineController } from 'setpoint';
import type { SimulatedEnvironment } from 'setpoint/testing';
import { App, status } from './kinds.ts';
import type { Seed } from './seed.ts';

/** A cloud that makes machines: one for each call, or one for each key where it is given one. */
function cloud() {
  const machines = new Map<string, string>();
  return {
    machines,
    api: {
      create(key?: string): string {
        const id = key ?? `machine-${machines.size}`;
        machines.set(id, id);
        return id;
      },
    },
  };
}

const machinesIn = (externals: Readonly<Record<string, unknown>>): number =>
  (externals['api'] as { machines(): Map<string, string> }).machines().size;

const externals = () => {
  const { api, machines } = cloud();
  return { api: { ...api, machines: () => machines } };
};

const create = (environment: SimulatedEnvironment, key?: string): Promise<string> =>
  (environment.externals['api']!['create'] as (key?: string) => Promise<string>)(key);

/** Bugs with what lives outside the store. */
export const outsideSeeds: readonly Seed[] = [
  {
    number: 12,
    title: 'makes an external resource again when the reply was lost',
    modelledOn: 'jetcd class',
    subject: (buggy) => ({
      name: 'seed-12',
      faults: ['unknown', 'lost', 'unavailable', 'delay', 'late'],
      externals,
      controllers: (environment) => [
        defineController(App, {
          async reconcile({ object, status: report }) {
            if (object.status?.external) return;
            const key = buggy ? undefined : object.metadata.uid;
            const external = await create(environment, key).catch(() => create(environment, key));
            await report({ ...status, external });
          },
        }),
      ],
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => machinesIn(state.externals) === state.list(App).length,
    }),
  },
  {
    number: 13,
    title: 'makes an external resource before it has noted under which name',
    modelledOn: 'leak class',
    subject: (buggy) => ({
      name: 'seed-13',
      faults: ['crash-before', 'crash-after', 'crash-done', 'restart'],
      externals,
      controllers: (environment) => [
        defineController(App, {
          async reconcile({ object, status: report }) {
            const noted = object.status?.external ?? '';
            if (buggy && noted === '') await report({ ...status, external: await create(environment) });
            if (buggy) return;
            if (noted === '') await report({ ...status, external: object.metadata.uid });
            await create(environment, object.metadata.uid);
          },
        }),
      ],
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => machinesIn(state.externals) === state.list(App).length,
    }),
  },
];
