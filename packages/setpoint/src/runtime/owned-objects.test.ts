import { describe, expect, it } from 'vitest';
import { running, Server, Website, Zone } from '../../../../test/harness/running-manager.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { defineController } from './define-controller.ts';

describe('owned objects', () => {
  it('are created in the namespace of the owner, managed by it, and listed by name', async () => {
    let listed: string[] = [];
    const { client, clock } = await running([
      defineController(Website, {
        owns: [Server],
        async reconcile({ owned }) {
          for (const name of ['b', 'a']) await owned(Server).apply({ name, labels: { tier: 'web' }, spec: {} });
          listed = owned(Server)
            .list()
            .map((server) => server.metadata.name);
        },
      }),
    ]);
    const site = await client.resource(Website).create({ name: 'site', namespace: 'prod', spec: {} });
    await client.resource(Server).create({ name: 'c', namespace: 'prod', spec: {} });
    await clock.advance(10);
    expect(listed).toEqual(['a', 'b']);
    const server = await client.resource(Server).get('prod/a');
    expect(server.metadata).toMatchObject({
      labels: { tier: 'web' },
      ownerReferences: [{ kind: 'Website', name: 'site', uid: site.metadata.uid, controller: true }],
    });
  });

  it('are not written, nor asked of the store, while they are as they should be; nor is the status', async () => {
    const store = memoryStore();
    let reads = 0;
    const counted: Store = Object.create(store, {
      range: { value: (...args: Parameters<Store['range']>) => (reads++, store.range(...args)) },
      txn: { value: (...args: Parameters<Store['txn']>) => (reads++, store.txn(...args)) },
      put: { value: (...args: Parameters<Store['put']>) => store.put(...args) },
      watch: { value: (...args: Parameters<Store['watch']>) => store.watch(...args) },
    }) as Store;
    const { client, clock, reports } = await running(
      [
        defineController(Website, {
          owns: [Server],
          async reconcile({ owned, status }) {
            await owned(Server).apply({ name: 'a', spec: {} });
            await status({ ready: 1 }, { type: 'Up', status: true, reason: 'Seen', message: 'up' });
            return { requeueAfterMs: 1000 };
          },
        }),
      ],
      { store: counted },
    );
    await client.resource(Website).create({ name: 'site', spec: {} });
    await clock.advance(100);
    reads = 0;
    const before = reports.length;
    await clock.advance(10_000);
    expect(reports.length - before).toBe(10);
    expect(reads).toBe(0);
  });

  it('can be created without ever taking back what others wrote to them', async () => {
    const { client, clock, errors } = await running([
      defineController(Website, {
        owns: [Server],
        reconcile: async ({ owned }) => void (await owned(Server).create({ name: 'once', spec: {} })),
      }),
    ]);
    const site = await client.resource(Website).create({ name: 'site', namespace: 'prod', spec: {} });
    await clock.advance(0);
    const { metadata } = await client.resource(Server).get('prod/once');
    expect(metadata.ownerReferences).toMatchObject([{ uid: site.metadata.uid, controller: true }]);
    await clock.advance(0); // the new child is an event, which leads to another run
    expect(errors()).toMatchObject([{ code: 'AlreadyExists' }]);
    expect((await client.resource(Server).get('prod/once')).metadata).toEqual(metadata);
  });

  it('that somebody else manages are left to them', async () => {
    const { client, clock, errors } = await running([
      defineController(Website, {
        owns: [Server],
        reconcile: async ({ owned }) => void (await owned(Server).apply({ name: 'shared', spec: {} })),
      }),
    ]);
    await client.resource(Website).create({ name: 'first', spec: {} });
    await clock.advance(0);
    await client.resource(Website).create({ name: 'second', spec: {} });
    await clock.advance(0);
    expect(errors()).toMatchObject([{ code: 'Conflict' }]);
    const { metadata } = await client.resource(Server).get('shared');
    expect(metadata.ownerReferences).toMatchObject([{ name: 'first' }]);
  });

  it('can only be deleted by their owner, and are fine to be gone already', async () => {
    let foreign: unknown;
    const { client, clock, errors } = await running([
      defineController(Website, {
        owns: [Server],
        async reconcile({ object, owned, lister }) {
          const servers = owned(Server);
          if (object.spec.replicas > 0) await servers.apply({ name: 'own', spec: {} });
          else {
            const [own] = servers.list();
            if (own) await client.resource(Server).delete(own);
            if (own) await servers.delete(own);
            await servers.delete(lister(Server).get('default/foreign')!).catch((error: unknown) => (foreign = error));
          }
        },
      }),
    ]);
    await client.resource(Server).create({ name: 'foreign', spec: {} });
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    await client.resource(Website).modify('a', () => ({ spec: { replicas: 0 } }));
    await clock.advance(100);
    expect(errors()).toEqual([]);
    expect(foreign).toMatchObject({ code: 'Invalid' });
    expect((await client.resource(Server).list()).items.map(({ metadata }) => metadata.name)).toEqual(['foreign']);
  });

  it('of a kind that the controller does not own, or of another scope, are refused with what to do', async () => {
    const failures: string[] = [];
    const note = (error: unknown): void => void failures.push(String(error));
    const { client, clock } = await running([
      defineController(Website, {
        owns: [Zone],
        async reconcile({ owned, lister }) {
          await owned(Zone).apply({ name: 'eu', spec: {} }).catch(note);
          try {
            owned(Server as never);
          } catch (error) {
            note(error);
          }
          try {
            lister(Server);
          } catch (error) {
            note(error);
          }
        },
      }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect(failures[0]).toMatch(/Invalid.*cluster-scoped/);
    expect(failures[1]).toMatch(/Invalid.*add it to its owns/);
    expect(failures[2]).toMatch(/Invalid.*owns or watches/);
  });

  it('of a cluster-scoped owner live where it says, and reconcile it when they change', async () => {
    let runs = 0;
    const { client, clock } = await running([
      defineController(Zone, {
        owns: [Server],
        async reconcile({ owned }) {
          runs++;
          await owned(Server).apply({ name: 'dns', namespace: 'infra', spec: {} });
        },
      }),
    ]);
    await client.resource(Zone).create({ name: 'eu', spec: {} });
    await clock.advance(10);
    const before = runs;
    await client.resource(Server).delete('infra/dns');
    await clock.advance(10);
    expect(runs).toBeGreaterThan(before);
    expect(await client.resource(Server).find('infra/dns')).toBeDefined();
  });

  it('go when their owner has gone, unless garbage collection is turned off', async () => {
    for (const garbageCollection of [true, false]) {
      const { client, clock, stop } = await running(
        [
          defineController(Website, {
            owns: [Server],
            reconcile: async ({ owned }) => void (await owned(Server).apply({ name: 'a', spec: {} })),
          }),
        ],
        { garbageCollection },
      );
      await client.resource(Website).create({ name: 'site', spec: {} });
      await clock.advance(10);
      await client.resource(Website).delete('site');
      await clock.advance(60_000);
      expect((await client.resource(Server).list()).items).toHaveLength(garbageCollection ? 0 : 1);
      await stop();
    }
  });
});
