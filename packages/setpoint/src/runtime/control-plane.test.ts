import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { ReconcileReport } from '../controller/index.ts';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import { deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { defineResource } from '../resource/index.ts';
import { generationChanged } from '../source/index.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { type ControlPlaneOptions, createManager } from './control-plane.ts';
import { type ControllerDefinition, defineController } from './define-controller.ts';

const group = 'demo.dev';
const version = 'v1';
const Website = defineResource({
  group,
  version,
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ replicas: z.int().default(1) }),
  status: z.object({ ready: z.int() }),
});
const Server = defineResource({
  group,
  version,
  kind: 'Server',
  plural: 'servers',
  spec: z.object({ site: z.string().default('') }),
  status: z.object({ pid: z.int() }),
});
const Zone = defineResource({
  group,
  version,
  kind: 'Zone',
  plural: 'zones',
  scope: 'Cluster',
  spec: z.object({}),
});

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.restoreAllMocks();
});

async function running(controllers: ControllerDefinition[], options: Partial<ControlPlaneOptions> = {}) {
  const clock = new FakeClock();
  const store = options.store ?? memoryStore({ clock });
  const reports: ReconcileReport[] = [];
  const manager = createManager({
    store,
    controllers,
    clock,
    random: seededRandom(1),
    onReconciled: (report) => void reports.push(report),
    ...options,
  });
  const abort = new AbortController();
  const run = manager.run(abort.signal);
  await clock.advance(0);
  await manager.whenReady();
  const stop = async (): Promise<void> => {
    abort.abort();
    await run;
  };
  stops.push(stop);
  const revision = async (): Promise<bigint> => (await store.range({ key: 'nothing' })).revision;
  const errors = (): unknown[] => reports.flatMap(({ outcome }) => (outcome.type === 'error' ? [outcome.error] : []));
  return { clock, store, manager, reports, errors, abort, run, stop, revision, client: manager.client };
}

describe('what can not work is refused before anything runs', () => {
  const store = memoryStore();

  it('I-63: two controllers of one name', () => {
    const controllers = [1, 2].map(() => defineController(Website, { reconcile: () => {} }));
    expect(() => createManager({ store, controllers })).toThrow(/Invalid.*'websites'/);
  });

  it('two kinds under one key segment', () => {
    const Other = defineResource({
      group: 'other.dev',
      version,
      kind: 'Website',
      plural: 'websites',
      spec: z.object({}),
    });
    expect(() => createManager({ store, resources: [Website, Other] })).toThrow(/Invalid.*other\.dev/);
  });

  it('options that are misspelt, with the one that was probably meant', () => {
    expect(() => createManager({ store, controlers: [] } as never)).toThrow(/'controlers'.*'controllers'/);
    expect(() => defineController(Website, { reconcile: () => {}, concurency: 2 } as never)).toThrow(/'concurrency'/);
    expect(() => createManager({} as never)).toThrow(/store must be a Store/);
    expect(() => createManager(undefined as never)).toThrow(/undefined/);
    expect(() => createManager({ store, cacheSyncTimeoutMs: Number.NaN })).toThrow(/cacheSyncTimeoutMs.*NaN/);
    expect(() => createManager({ store, gracefulTimeoutMs: Number.NaN })).toThrow(/gracefulTimeoutMs.*NaN/);
  });

  it('a controller without a reconcile, or with a name that is none', () => {
    expect(() => defineController(Website, {} as never)).toThrow(/reconcile/);
    expect(() => defineController(Website, { name: 'Two Words', reconcile: () => {} })).toThrow(/Two Words/);
  });
});

describe('which objects are reconciled', () => {
  it('each once at the start, and again when it changes', async () => {
    const store = memoryStore();
    const before = createManager({ store }).client.resource(Website);
    await before.create({ name: 'a', spec: {} });
    await before.create({ name: 'b', namespace: 'prod', spec: {} });
    const seen: string[] = [];
    const { client, clock } = await running(
      [defineController(Website, { reconcile: ({ key, object }) => void seen.push(`${key} ${object.spec.replicas}`) })],
      { store },
    );
    expect(seen.splice(0).toSorted()).toEqual(['default/a 1', 'prod/b 1']);
    await client.resource(Website).modify('prod/b', () => ({ spec: { replicas: 7 } }));
    await clock.advance(0);
    expect(seen).toEqual(['prod/b 7']);
  });

  it('I-70: a key whose object is gone is no error: gone is told, reconcile is not called', async () => {
    const calls: string[] = [];
    const { client, clock, errors } = await running([
      defineController(Website, {
        reconcile: ({ key }) => void calls.push(`reconcile ${key}`),
        gone: ({ key }) => void calls.push(`gone ${key}`),
      }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    await client.resource(Website).delete('a');
    await clock.advance(0);
    expect(calls).toEqual(['reconcile default/a', 'gone default/a']);
    expect(errors()).toEqual([]);
  });

  it('only for changes that every predicate passes', async () => {
    let runs = 0;
    const { client, clock } = await running([
      defineController(Website, {
        predicates: [generationChanged, ({ object }) => object.metadata.namespace === 'default'],
        reconcile: () => void runs++,
      }),
    ]);
    const websites = client.resource(Website);
    await websites.create({ name: 'a', spec: {} });
    await websites.create({ name: 'a', namespace: 'other', spec: {} });
    await clock.advance(0);
    expect(runs).toBe(1);
    await websites.modify('a', () => ({ labels: { x: 'y' } }));
    await clock.advance(0);
    expect(runs).toBe(1);
    await websites.modify('a', () => ({ spec: { replicas: 2 } }));
    await clock.advance(0);
    expect(runs).toBe(2);
  });

  it('also because of another kind that maps to them; a name alone is in the namespace of what changed', async () => {
    const keys: string[] = [];
    const { client, clock } = await running([
      defineController(Website, {
        watches: [{ resource: Server, map: (server) => [{ name: server.spec.site }] }],
        reconcile: () => {},
        gone: ({ key }) => void keys.push(key),
      }),
    ]);
    await client.resource(Server).create({ name: 's', namespace: 'prod', spec: { site: 'shop' } });
    await clock.advance(0);
    await client.resource(Server).modify('prod/s', () => ({ spec: { site: 'blog' } }));
    await clock.advance(0);
    expect(keys).toEqual(['prod/shop', 'prod/shop', 'prod/blog']);
  });
});

describe('the handle to the store ends with its attempt', () => {
  const create = (name: string) => ({ name, spec: {} });

  it('F-99: a reconcile that ignores its time-out can not write any more', async () => {
    const late = deferred();
    let outcome: unknown;
    const { client, clock } = await running([
      defineController(Website, {
        async reconcile(context) {
          await late.promise;
          outcome = await context.client
            .resource(Server)
            .create(create('late'))
            .catch((error: unknown) => error);
        },
      }),
    ]);
    await client.resource(Website).create(create('a'));
    await clock.advance(30_000);
    late.resolve();
    await clock.advance(0);
    expect(outcome).toMatchObject({ code: 'Closed', cause: { code: 'Timeout' } });
    expect((await client.resource(Server).list()).items).toEqual([]);
  });

  it('F-99: nor one that goes on after the manager was told to stop', async () => {
    const late = deferred();
    let outcome: unknown;
    const { client, clock, abort, run, manager } = await running([
      defineController(Website, {
        async reconcile({ owned: _owned, status }) {
          await late.promise;
          outcome = await status({ ready: 1 }).catch((error: unknown) => error);
        },
      }),
    ]);
    await client.resource(Website).create(create('a'));
    await clock.advance(0);
    abort.abort();
    await settle();
    expect(manager.state).toBe('stopping');
    late.resolve();
    await run;
    expect(outcome).toMatchObject({ code: 'Closed' });
    expect((await client.resource(Website).get('a')).status).toBeUndefined();
  });

  it('F-99: nor what a reconcile left behind without awaiting it', async () => {
    const late = deferred();
    let outcome: unknown;
    const { client, clock } = await running([
      defineController(Website, {
        reconcile(context) {
          void late.promise
            .then(() => context.client.resource(Server).create(create('late')))
            .catch((error: unknown) => (outcome = error));
        },
      }),
    ]);
    await client.resource(Website).create(create('a'));
    await clock.advance(0);
    late.resolve();
    await clock.advance(0);
    expect(outcome).toMatchObject({ code: 'Closed' });
    expect((await client.resource(Server).list()).items).toEqual([]);
  });
});

describe('status', () => {
  it('I-132: writes only what changes, and keeps the time of transition while the status of a condition stays', async () => {
    let report = { ready: 1, up: true, message: 'one' };
    const { client, clock, revision, reports } = await running([
      defineController(Website, {
        async reconcile({ status }) {
          await status(
            { ready: report.ready },
            { type: 'Up', status: report.up, reason: 'Because', message: report.message },
          );
          await status(
            { ready: report.ready },
            { type: 'Up', status: report.up, reason: 'Because', message: report.message },
          );
          return { requeueAfterMs: 60_000 };
        },
      }),
    ]);
    const websites = client.resource(Website);
    await websites.create({ name: 'a', spec: {} });
    await clock.advance(0);
    const first = await websites.get('a');
    expect(first.status).toMatchObject({
      ready: 1,
      observedGeneration: 1,
      conditions: [{ type: 'Up', status: 'True' }],
    });

    const quiet = await revision();
    await clock.advance(600_000);
    expect(reports.length).toBeGreaterThan(10);
    expect(await revision()).toBe(quiet);

    report = { ...report, message: 'uno' };
    await clock.advance(60_000);
    const second = await websites.get('a');
    expect(second.status?.conditions?.[0]).toMatchObject({ message: 'uno' });
    expect(second.status?.conditions?.[0]?.lastTransitionTime).toBe(first.status?.conditions?.[0]?.lastTransitionTime);
    report = { ...report, up: false };
    await clock.advance(60_000);
    const third = await websites.get('a');
    expect(third.status?.conditions?.[0]?.lastTransitionTime).not.toBe(
      first.status?.conditions?.[0]?.lastTransitionTime,
    );
    expect(third.metadata.generation).toBe(1);
  });

  it('keeps the conditions of others, and says which generation it looked at', async () => {
    const { client, clock } = await running(
      ['first', 'second'].map((name) =>
        defineController(Website, {
          name,
          reconcile: ({ status }) =>
            status({ ready: 0 }, { type: name, status: 'Unknown', reason: 'Looked', message: 'hm' }),
        }),
      ),
    );
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(1000);
    await client.resource(Website).modify('a', () => ({ spec: { replicas: 3 } }));
    await clock.advance(1000);
    const { status } = await client.resource(Website).get('a');
    expect(status?.conditions?.map(({ type }) => type).toSorted()).toEqual(['first', 'second']);
    expect(status?.conditions?.map((condition) => condition.observedGeneration)).toEqual([2, 2]);
    expect(status?.observedGeneration).toBe(2);
  });

  it('of an object that changed meanwhile is a Conflict, and the reconcile runs again', async () => {
    let interfere = true;
    const { client, clock, errors } = await running([
      defineController(Website, {
        async reconcile({ object, status }) {
          if (interfere) await client.resource(Website).modify('a', () => ({ spec: { replicas: 9 } }));
          interfere = false;
          await status({ ready: object.spec.replicas });
        },
      }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(1000);
    expect(errors()).toMatchObject([{ code: 'Conflict' }]);
    expect((await client.resource(Website).get('a')).status).toMatchObject({ ready: 9, observedGeneration: 2 });
  });
});

describe('finalize', () => {
  const finalizer = 'demo.dev/websites';

  async function withFinalize(finalize: () => unknown) {
    const calls: string[] = [];
    const world = await running([
      defineController(Website, {
        predicates: [generationChanged],
        reconcile: ({ object }) => void calls.push(`reconcile with ${object.metadata.finalizers?.join() ?? 'none'}`),
        finalize: (() => {
          calls.push('finalize');
          return finalize();
        }) as () => void,
      }),
    ]);
    const websites = world.client.resource(Website);
    await websites.create({ name: 'a', spec: {} });
    await world.clock.advance(0);
    return { ...world, websites, calls };
  }

  it('puts its finalizer on before the first reconcile, in the same run, and once', async () => {
    const { calls, websites, clock } = await withFinalize(() => {});
    expect(calls).toEqual([`reconcile with ${finalizer}`]);
    await websites.modify('a', () => ({ spec: { replicas: 2 } }));
    await clock.advance(0);
    expect(calls).toEqual([`reconcile with ${finalizer}`, `reconcile with ${finalizer}`]);
    expect((await websites.get('a')).metadata.finalizers).toEqual([finalizer]);
  });

  it('status can be written in the run that puts the finalizer on', async () => {
    const { client, clock, errors } = await running([
      defineController(Website, { reconcile: ({ status }) => status({ ready: 1 }), finalize: () => {} }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect(errors()).toEqual([]);
    expect((await client.resource(Website).get('a')).status?.ready).toBe(1);
  });

  it('is called when the object is deleted, which stays until it has resolved', async () => {
    const cleaned = deferred();
    const { calls, websites, clock } = await withFinalize(() => cleaned.promise);
    await websites.delete('a');
    await clock.advance(0);
    expect(calls.slice(1)).toEqual(['finalize']);
    expect((await websites.get('a')).metadata.deletionTimestamp).toBeDefined();
    cleaned.resolve();
    await clock.advance(0);
    expect(await websites.find('a')).toBeUndefined();
    expect(calls.slice(1)).toEqual(['finalize']);
  });

  it('keeps the object while it throws, or asks to be run again', async () => {
    const answers = [
      () => {
        throw new Error('not yet');
      },
      () => ({ requeueAfterMs: 1000 }),
      () => ({ requeue: true }),
      () => ({}),
    ];
    const { calls, websites, clock } = await withFinalize(() => answers.shift()!());
    await websites.delete('a');
    await clock.advance(5);
    expect(calls.slice(1)).toEqual(['finalize', 'finalize']);
    await clock.advance(1000);
    expect(calls.slice(1)).toHaveLength(3);
    expect(await websites.find('a')).toBeDefined();
    await clock.advance(10);
    expect(calls.slice(1)).toHaveLength(4);
    expect(await websites.find('a')).toBeUndefined();
  });

  it('an object that is being deleted for the sake of others is neither reconciled nor finalized', async () => {
    const { calls, websites, clock } = await withFinalize(() => {});
    await websites.addFinalizer('a', 'other.dev/thing');
    await websites.delete('a');
    await clock.advance(0);
    expect(calls.slice(1)).toEqual(['finalize']);
    expect((await websites.get('a')).metadata.finalizers).toEqual(['other.dev/thing']);
    await websites.modify('a', () => ({ labels: { still: 'here' } }));
    await clock.advance(60_000);
    expect(calls.slice(1)).toEqual(['finalize']);
  });

  it('a controller that no longer has finalize lets go of what an earlier version of it held', async () => {
    const { client, clock } = await running([defineController(Website, { reconcile: () => {} })]);
    const websites = client.resource(Website);
    await websites.create({ name: 'a', spec: {}, finalizers: [finalizer] });
    await websites.delete('a');
    await clock.advance(0);
    expect(await websites.find('a')).toBeUndefined();
  });
});

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

/** A store whose watches deliver nothing while they are held. */
function holdingStore(clock: FakeClock) {
  const store = memoryStore({ clock });
  let held: Promise<void> = Promise.resolve();
  let release = (): void => {};
  const hold = (): void => {
    held = new Promise((resolve) => (release = resolve));
  };
  const holding = Object.create(store, {
    watch: {
      value: async function* (...args: Parameters<Store['watch']>) {
        for await (const batch of store.watch(...args)) {
          await held;
          yield batch;
        }
      },
    },
    range: { value: (...args: Parameters<Store['range']>) => store.range(...args) },
    txn: { value: (...args: Parameters<Store['txn']>) => store.txn(...args) },
  }) as Store;
  return { holding, hold, release: () => release() };
}

describe('read your own writes', () => {
  it('an object is not reconciled again before the caches show what its last reconcile wrote', async () => {
    const clock = new FakeClock();
    const { holding, hold, release } = holdingStore(clock);
    const seen: number[] = [];
    const { client, manager } = await running(
      [
        defineController(Website, {
          owns: [Server],
          async reconcile({ owned, object }) {
            if (object.spec.replicas === 0) return;
            const servers = owned(Server);
            seen.push(servers.list().length);
            hold();
            // Without the promise this would make one more each time that it runs on a stale cache.
            if (servers.list().length === 0) await servers.apply({ name: `s${seen.length}`, spec: {} });
          },
        }),
      ],
      { store: holding, clock },
    );
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect(seen).toEqual([0]);
    manager.controller('websites').queue.add('default/a');
    await clock.advance(1000);
    expect(seen).toEqual([0]);
    release();
    await clock.advance(0);
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen.slice(1))).toEqual(new Set([1]));
    expect((await client.resource(Server).list()).items).toHaveLength(1);
    release();
  });

  it('a cache that does not catch up within three seconds fails the attempt, and the next one waits again', async () => {
    const clock = new FakeClock();
    const { holding, hold, release } = holdingStore(clock);
    let runs = 0;
    const { client, manager, errors } = await running(
      [
        defineController(Website, {
          async reconcile({ status }) {
            runs++;
            hold();
            await status({ ready: runs });
          },
        }),
      ],
      { store: holding, clock },
    );
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    manager.controller('websites').queue.add('default/a');
    await clock.advance(10_000);
    expect(runs).toBe(1);
    expect(errors().length).toBeGreaterThan(1);
    expect(errors().every((error) => isSetpointError(error, 'Timeout'))).toBe(true);
    release();
    await clock.advance(100);
    expect(runs).toBeGreaterThan(1);
    release();
  });
});

describe('the life of a control plane', () => {
  it('I-61: fails naming the kind whose cache is not complete after two minutes', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const deaf = Object.create(store, {
      range: { value: () => Promise.reject(new SetpointError('Unavailable', 'no endpoint')) },
      watch: { value: store.watch.bind(store) },
    }) as Store;
    const manager = createManager({ store: deaf, resources: [Website], clock, random: seededRandom(1) });
    const run = manager.run(new AbortController().signal).catch((error: unknown) => error);
    await clock.advance(119_000);
    expect(manager.state).toBe('starting');
    await clock.advance(1000);
    expect(await run).toMatchObject({ code: 'Timeout', message: expect.stringContaining('Website') as string });
    expect(clock.pendingTimers).toBe(0);
  });

  it('shares one cache per kind, and runs one that is asked for later', async () => {
    const { manager, client, clock, stop } = await running([defineController(Website, { reconcile: () => {} })]);
    expect(manager.informer(Website)).toBe(manager.informer(Website));
    const servers = manager.informer(Server);
    await client.resource(Server).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect([...servers.lister.keys()]).toEqual(['default/a']);
    await stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('caches are complete before runnables start, and runnables ready before controllers', async () => {
    const order: string[] = [];
    const store = memoryStore();
    await createManager({ store }).client.resource(Website).create({ name: 'a', spec: {} });
    const runnable = {
      name: 'agent',
      run: (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
      ready: async () => void order.push(`ready, websites cached: ${manager.informer(Website).lister.size}`),
    };
    const clock = new FakeClock();
    const manager = createManager({
      store,
      clock,
      controllers: [defineController(Website, { reconcile: () => void order.push('reconcile') })],
      runnables: [runnable],
    });
    const abort = new AbortController();
    const run = manager.run(abort.signal);
    await clock.advance(0);
    expect(order).toEqual(['ready, websites cached: 1', 'reconcile']);
    abort.abort();
    await run;
  });

  it('I-163: readiness follows the manager and the freshness of its caches; metrics are served', async () => {
    const { manager, clock, stop } = await running([defineController(Website, { reconcile: () => {} })], {
      health: { port: 0 },
    });
    const url = await manager.healthUrl();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const { stalledSince } = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(manager.informer(Website)));
    expect(stalledSince).toBeDefined();
    vi.spyOn(manager.informer(Website), 'stalledSince', 'get').mockReturnValue(clock.now());
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await clock.advance(30_000);
    const stale = await fetch(`${url}/readyz`);
    expect([stale.status, await stale.text()]).toEqual([503, expect.stringContaining('Website')]);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('controller_runtime_reconcile_total');
    await stop();
  });

  it('I-164: SIGTERM ends the run, and closes the store because the process is about to end', async () => {
    const store = memoryStore();
    const manager = createManager({ store, resources: [Website], clock: new FakeClock() });
    const run = manager.run();
    await manager.whenReady();
    process.emit('SIGTERM');
    await run;
    await expect(store.range({ key: 'x' })).rejects.toMatchObject({ code: 'Closed' });
  });

  it('leaves the store open when it was stopped otherwise', async () => {
    const store = memoryStore();
    const manager = createManager({ store, resources: [Website], clock: new FakeClock() });
    const run = manager.run();
    await manager.whenReady();
    await manager.stop();
    await run;
    expect((await store.range({ key: 'x' })).kvs).toEqual([]);
  });

  it('X1: a hundred lives on one store leave no timer and no listener behind', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const abort = new AbortController();
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', onWarning);
    for (let life = 0; life < 100; life++) {
      const manager = createManager({
        store,
        clock,
        random: seededRandom(life),
        controllers: [defineController(Website, { owns: [Server], reconcile: () => ({ requeueAfterMs: 1000 }) })],
      });
      const run = manager.run(abort.signal);
      await clock.advance(0);
      await manager.whenReady();
      await manager.stop();
      await run;
    }
    process.off('warning', onWarning);
    expect(clock.pendingTimers).toBe(0);
    expect(warnings).toEqual([]);
  });
});
