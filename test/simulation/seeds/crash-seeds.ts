import { defineController, ownerReferenceTo } from 'setpoint';
import { App, Child, status, Volume } from './kinds.ts';
import type { Seed } from './seed.ts';

const small = { replicas: 1, size: 1, note: '' };

/** Bugs that show when a process dies between two steps. */
export const crashSeeds: readonly Seed[] = [
  {
    number: 1,
    title: 'takes the first of two updates as a sign that both are done',
    modelledOn: 'rabbitmq/cluster-operator#782',
    subject: (buggy) => ({
      name: 'seed-1',
      controllers: () => [
        defineController(App, {
          async reconcile({ object, client }) {
            const { name } = object.metadata;
            const { size } = object.spec;
            const [children, volumes] = [client.resource(Child), client.resource(Volume)];
            const ownerReferences = [ownerReferenceTo(object)];
            const child = (await children.find(name)) ?? (await children.create({ name, ownerReferences, spec: {} }));
            const volume =
              (await volumes.find(name)) ?? (await volumes.create({ name, ownerReferences, spec: { app: name } }));
            if (child.spec.size === size && (buggy || volume.spec.size === size)) return;
            await children.modify(name, (each) => ({ spec: { ...each.spec, size } }));
            await volumes.modify(name, (each) => ({ spec: { ...each.spec, size } }));
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.modify(App, 'a', () => ({ spec: { ...small, size: 2 } }));
      },
      matches: (state) => state.list(App).every(({ spec }) => state.get(Volume, 'a')?.spec.size === spec.size),
    }),
  },
  {
    number: 2,
    title: 'a phase machine that fails where a crash left no child',
    modelledOn: 'casskop#370',
    subject: (buggy) => ({
      name: 'seed-2',
      controllers: () => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, client, owned, status: report }) {
            const { name } = object.metadata;
            if (object.status?.phase !== 'Created') {
              await report({ ...status, phase: 'Created' });
              await owned(Child).apply({ name, spec: {} });
              return;
            }
            const child = await client.resource(Child).find(name);
            if (child) return;
            if (buggy) throw new Error('child not found');
            await owned(Child).apply({ name, spec: {} });
          },
        }),
      ],
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => state.list(Child).length === state.list(App).length,
    }),
  },
  {
    number: 3,
    title: 'makes the secret only in the branch of the first time',
    modelledOn: 'K8SPXC-896 and its like',
    subject: (buggy) => ({
      name: 'seed-3',
      controllers: () => [
        defineController(App, {
          owns: [Child, Volume],
          async reconcile({ object, client, owned }) {
            const { name } = object.metadata;
            const isNew = (await client.resource(Child).find(name)) === undefined;
            if (isNew) await owned(Child).apply({ name, spec: {} });
            if (isNew || !buggy) await owned(Volume).apply({ name, spec: { app: name } });
          },
        }),
      ],
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => [Child, Volume].every((kind) => state.list(kind).length === state.list(App).length),
    }),
  },
  {
    number: 4,
    title: 'restarts the workers only in the run that changed their configuration',
    modelledOn: 'nifikop#49',
    subject: (buggy) => ({
      name: 'seed-4',
      controllers: () => [
        defineController(App, {
          async reconcile({ object, client }) {
            const { name } = object.metadata;
            const { size } = object.spec;
            const ownerReferences = [ownerReferenceTo(object)];
            const [children, volumes] = [client.resource(Child), client.resource(Volume)];
            const configuration =
              (await volumes.find(name)) ?? (await volumes.create({ name, ownerReferences, spec: { app: name } }));
            const worker = (await children.find(name)) ?? (await children.create({ name, ownerReferences, spec: {} }));
            const changed = configuration.spec.size !== size;
            if (changed) await volumes.modify(name, (each) => ({ spec: { ...each.spec, size } }));
            if (buggy ? !changed : worker.spec.size === size) return;
            await children.modify(name, (each) => ({ spec: { ...each.spec, size } }));
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.modify(App, 'a', () => ({ spec: { ...small, size: 2 } }));
      },
      matches: (state) => state.list(App).every(({ spec }) => state.get(Child, 'a')?.spec.size === spec.size),
    }),
  },
  {
    number: 14,
    title: 'lets go of the object before the clean-up is done',
    modelledOn: "seven leaks of Sieve's table 4",
    subject: (buggy) => ({
      name: 'seed-14',
      controllers: () => [
        defineController(App, {
          name: 'apps',
          async reconcile({ object, client }) {
            const { name } = object.metadata;
            if (!(await client.resource(App).find(object))) return;
            await client.resource(Volume).apply({ name, spec: { app: name } });
          },
          async finalize({ object, client }) {
            const { name } = object.metadata;
            if (buggy) await client.resource(App).removeFinalizer(name, 'seeds.test/apps');
            const volume = await client.resource(Volume).find(name);
            if (volume) await client.resource(Volume).delete(volume);
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.deleteAndRest(App, 'a');
      },
      matches: (state) => state.list(App).length > 0 || state.list(Volume).length === 0,
    }),
  },
  {
    number: 15,
    title: 'remembers in memory what was done, and does it again after a restart',
    modelledOn: 'no memory across restarts (Sieve 5.1.1)',
    subject: (buggy) => ({
      name: 'seed-15',
      controllers: () => {
        const done = new Set<string>();
        return [
          defineController(App, {
            async reconcile({ object, client, status: report }) {
              const { name, uid } = object.metadata;
              if (buggy && done.has(uid)) return;
              const volumes = client.resource(Volume);
              const old = await volumes.find(name);
              if (old && buggy) await volumes.delete(old);
              if (!old || buggy) await volumes.create({ name, spec: { app: uid } });
              done.add(uid);
              await report({ ...status, phase: 'Formatted' });
            },
          }),
        ];
      },
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => state.list(Volume).length >= state.list(App).length,
    }),
  },
  {
    number: 18,
    title: 'swallows an error and records success',
    modelledOn: 'indirect class of Sieve',
    subject: (buggy) => ({
      name: 'seed-18',
      controllers: () => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, owned, status: report }) {
            if (buggy && object.status?.phase === 'Done') return;
            const making = owned(Child).apply({ name: object.metadata.name, spec: {} });
            await (buggy ? making.catch(() => {}) : making);
            await report({ ...status, phase: 'Done' });
          },
        }),
      ],
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: {} })),
      matches: (state) => state.list(Child).length === state.list(App).length,
    }),
  },
];
