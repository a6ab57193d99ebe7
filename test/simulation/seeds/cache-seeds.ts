import { type Client, defineController } from 'setpoint';
import { resourceCodec, storeKey } from 'setpoint/resource';
import { App, Child, names, status, Volume } from './kinds.ts';
import type { Seed } from './seed.ts';

const base = { replicas: 1, size: 1, note: '' };

/** Bugs that show when a cache is behind, or shows the past again. */
export const cacheSeeds: readonly Seed[] = [
  {
    number: 5,
    title: 'cleans up only where it saw the object go',
    modelledOn: 'cassandra-operator#398',
    subject: (buggy) => ({
      name: 'seed-5',
      controllers: () => {
        const remove = async (client: Client, name: string, uid?: string): Promise<void> => {
          const volume = await volumesOf(client).find(name);
          if (volume && (uid === undefined || volume.spec.app === uid)) await volumesOf(client).delete(volume);
        };
        return [
          defineController(App, {
            async reconcile({ object, client }) {
              const { name, uid } = object.metadata;
              if (!(await volumesOf(client).find(name))) await volumesOf(client).create({ name, spec: { app: uid } });
            },
            ...(buggy
              ? { gone: ({ client, key }) => remove(client, key.split('/')[1]!) }
              : { finalize: ({ client, object }) => remove(client, object.metadata.name, object.metadata.uid) }),
          }),
        ];
      },
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.deleteAndRest(App, 'a');
        await user.create(App, { name: 'a', spec: {} });
      },
      matches: (state) => {
        const uids = state.list(App).map(({ metadata }) => metadata.uid);
        return state.list(Volume).every(({ spec }) => uids.includes(spec.app));
      },
    }),
  },
  {
    number: 6,
    title: 'scales down one step for each change that it sees',
    modelledOn: 'zookeeper-operator#453, casskop#342',
    subject: (buggy) => ({
      name: 'seed-6',
      controllers: () => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, owned, client, status: report }) {
            const { replicas } = object.spec;
            const { name } = object.metadata;
            const had = buggy ? (object.status?.count ?? 0) : 3;
            for (const child of names(name, replicas)) await owned(Child).apply({ name: child, spec: {} });
            const surplus = names(name, had).slice(replicas);
            for (const child of buggy ? surplus.slice(-1) : surplus) {
              const found = await client.resource(Child).find(child);
              if (found) await owned(Child).delete(found);
            }
            await report({ ...status, count: replicas });
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: { replicas: 3 } });
        await user.modify(App, 'a', () => ({ spec: { ...base, replicas: 2 } }));
        await user.modify(App, 'a', () => ({ spec: base }));
      },
      matches: (state) => state.list(Child).length === (state.get(App, 'a')?.spec.replicas ?? 0),
    }),
  },
  {
    number: 7,
    title: 'acts on the deletion of an object that has a successor of the same name',
    modelledOn: 'K8SPSMDB-430 and 433',
    subject: (buggy) => ({
      name: 'seed-7',
      controllers: () => [
        defineController(App, {
          async reconcile({ object, client }) {
            const { name, uid } = object.metadata;
            if (!(await volumesOf(client).find(name))) await volumesOf(client).create({ name, spec: { app: uid } });
          },
          async finalize({ object, client }) {
            const volume = await volumesOf(client).find(object.metadata.name);
            if (volume && (buggy || volume.spec.app === object.metadata.uid)) await volumesOf(client).delete(volume);
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.deleteAndRest(App, 'a');
        await user.create(App, { name: 'a', spec: {} });
        await user.rest();
      },
      matches: (state) => state.list(Volume).length === state.list(App).length,
    }),
  },
  {
    number: 8,
    title: 'deletes volumes by a replica count that is no longer true',
    modelledOn: 'K8SSAND-559 class',
    subject: (buggy) => ({
      name: 'seed-8',
      controllers: () => [
        defineController(App, {
          owns: [Volume],
          async reconcile({ object, owned, client }) {
            const { name } = object.metadata;
            const wanted = names(name, object.spec.replicas);
            for (const volume of wanted) await owned(Volume).apply({ name: volume, spec: { app: name } });
            for (const volume of names(name, 3).slice(wanted.length)) {
              const found = await client.resource(Volume).find(volume);
              if (!found) continue;
              const now = buggy ? object : await client.resource(App).get(object);
              if (now.spec.replicas <= wanted.length) await client.resource(Volume).delete(found);
            }
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: { replicas: 3 } });
        await user.modify(App, 'a', () => ({ spec: base }));
        await user.modify(App, 'a', () => ({ spec: { ...base, replicas: 3 } }));
        await user.rest();
      },
      matches: (state) => state.list(Volume).length === (state.get(App, 'a')?.spec.replicas ?? 0),
    }),
  },
  {
    number: 9,
    title: 'deletes a child that an old version of its owner does not name',
    modelledOn: 'K8SPXC-725 and 763, casskop#321',
    subject: (buggy) => ({
      name: 'seed-9',
      controllers: () => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, owned, client }) {
            const wanted = object.spec.note.split(' ');
            for (const name of wanted) await owned(Child).apply({ name, spec: { app: object.metadata.name } });
            const { items } = await client.resource(Child).list();
            for (const child of items.filter(({ metadata }) => !wanted.includes(metadata.name))) {
              const now = buggy ? object : await client.resource(App).get(object);
              if (!now.spec.note.split(' ').includes(child.metadata.name)) await client.resource(Child).delete(child);
            }
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: { note: 'x' } });
        await user.modify(App, 'a', () => ({ spec: { ...base, note: 'x y' } }));
        await user.rest();
      },
      matches: (state) => state.list(App).every(({ spec }) => state.list(Child).length === spec.note.split(' ').length),
    }),
  },
  {
    number: 10,
    title: 'counts children in the cache and gives new ones a name drawn at random',
    modelledOn: 'kuberay#715',
    subject: (buggy) => ({
      name: 'seed-10',
      sameEnd: false,
      noExtraCreates: false,
      controllers: () => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, owned }) {
            const { name } = object.metadata;
            const have = owned(Child).list();
            const taken = have.map(({ metadata }) => metadata.name);
            const free = names(name, object.spec.replicas).filter((each) => !taken.includes(each));
            for (let missing = object.spec.replicas - have.length; missing > 0; missing--) {
              const child = buggy ? `${name}-${crypto.randomUUID().slice(0, 8)}` : free.shift()!;
              await owned(Child).create({ name: child, spec: {} });
            }
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: { replicas: 2 } });
        await user.rest();
      },
      matches: (state) => state.list(Child).length === (state.get(App, 'a')?.spec.replicas ?? 0),
    }),
  },
  {
    number: 11,
    title: 'writes back the whole object without asking whether it is still that one',
    modelledOn: 'misuse of versions (Sieve 5.1.1)',
    subject: (buggy) => ({
      name: 'seed-11',
      controllers: (environment) => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, owned, status: report }) {
            await owned(Child).apply({ name: object.metadata.name, spec: {} });
            const count = owned(Child)
              .list()
              .filter((child) => child.status?.done).length;
            if (object.status?.count === count) return;
            if (!buggy) return await report({ ...status, count });
            const value = resourceCodec(App).encode({ ...object, status: { ...status, count } });
            await environment.store.put({ key: storeKey(App, object.metadata), value });
          },
        }),
      ],
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.modify(App, 'a', () => ({ spec: { ...base, note: 'a person was here' } }));
        await user.modifyStatus(Child, 'a', () => ({ done: true }), { soon: true });
      },
      // That the person's note is lost shows in how it ends: the state alone does not tell.
      matches: (state) => state.list(Child).length === state.list(App).length,
    }),
  },
  {
    number: 16,
    title: 'collects the children only of an owner that it has seen',
    modelledOn: 'indirect class of Sieve',
    subject: (buggy) => ({
      name: 'seed-16',
      manager: () => ({ garbageCollection: false }),
      controllers: () => {
        const seen = new Set<string>();
        return [
          defineController(App, {
            owns: [Child],
            async reconcile({ object, owned }) {
              seen.add(object.metadata.name);
              await owned(Child).apply({ name: object.metadata.name, spec: { app: object.metadata.name } });
            },
          }),
          defineController(Child, {
            watches: [{ resource: App, map: ({ metadata }) => [{ name: metadata.name }] }],
            async reconcile({ object, lister, client }) {
              const { app } = object.spec;
              if (lister(App).get(`default/${app}`)) return;
              const gone = buggy ? seen.has(app) : (await client.resource(App).find(app)) === undefined;
              if (gone) await client.resource(Child).delete(object);
            },
          }),
        ];
      },
      async scenario(user) {
        await user.create(App, { name: 'a', spec: {} });
        await user.deleteAndRest(App, 'a');
      },
      matches: (state) => state.list(App).length > 0 || state.list(Child).length === 0,
    }),
  },
  {
    number: 20,
    title: 'takes the place in a list for the identity of an object',
    modelledOn: 'indirect class of Sieve',
    subject: (buggy) => ({
      name: 'seed-20',
      controllers: () => [
        defineController(App, {
          owns: [Child],
          async reconcile({ object, owned, lister, client }) {
            for (const name of ['z', 'y', 'x'].slice(0, object.spec.replicas)) {
              if (
                owned(Child)
                  .list()
                  .some(({ metadata }) => metadata.name === name)
              )
                continue;
              await owned(Child).create({ name, spec: { index: 9 } });
            }
            const children = buggy ? lister(Child).list() : owned(Child).list();
            for (const [index, child] of children.entries()) {
              if (child.spec.index === index) continue;
              await client.resource(Child).modify(child, (each) => ({ spec: { ...each.spec, index } }));
            }
          },
        }),
      ],
      scenario: async (user) => void (await user.create(App, { name: 'a', spec: { replicas: 3 } })),
      matches: (state) =>
        new Set(state.list(Child).map(({ spec }) => spec.index)).size === (state.get(App, 'a')?.spec.replicas ?? 0),
    }),
  },
];

function volumesOf(client: Client) {
  return client.resource(Volume);
}
