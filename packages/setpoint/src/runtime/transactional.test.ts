import { describe, expect, it } from 'vitest';
import { running, Server, Website } from '../../../../test/harness/running-manager.ts';
import { isSetpointError } from '../errors/index.ts';
import { deferred } from '../internal/deferred.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import type { ObjectOf } from '../resource/index.ts';
import { memoryStore, type Store, type TxnRequest } from '../store/index.ts';
import type { ControlPlaneOptions } from './manager-options.ts';
import { type ControllerDefinitionOptions, defineController } from './define-controller.ts';

type Options = ControllerDefinitionOptions<typeof Website, readonly [typeof Server], readonly []>;

const transactional = (options: Omit<Options, 'owns' | 'transactional'>) =>
  defineController(Website, { owns: [Server], transactional: true, ...options });

/** A manager with one website, `web`. `txns` are the store's transactions from then on. */
async function reconciling(
  options: Omit<Options, 'owns' | 'transactional'>,
  others: readonly string[] = [],
  plane: Partial<ControlPlaneOptions> = {},
) {
  const clock = new FakeClock();
  const plain = memoryStore({ clock });
  const txns: TxnRequest[] = [];
  const store = new Proxy(plain, {
    get(target, name: keyof Store) {
      if (name !== 'txn') return (target[name] as (...args: unknown[]) => unknown).bind(target);
      return (...args: Parameters<Store['txn']>) => {
        txns.push(args[0]);
        return target.txn(...args);
      };
    },
  });
  const harness = await running([transactional(options)], { store, clock, ...plane });
  const client = harness.manager.unsafeClient;
  for (const name of others) await client.resource(Server).create({ name, spec: {} });
  await clock.advance(0);
  const website = await client.resource(Website).create({ name: 'web', spec: { replicas: 2 } });
  txns.length = 0;
  const servers = async () => (await client.resource(Server).list()).items;
  const advance = (ms = 0) => clock.advance(ms);
  return { ...harness, client, clock, txns, website, servers, advance };
}

describe('transactional reconcile', () => {
  it('I-189: makes the writes of a run in one transaction, at one revision', async () => {
    const { client, servers, advance, txns, errors } = await reconciling({
      async reconcile({ object, owned, status }) {
        for (let i = 0; i < object.spec.replicas; i++) await owned(Server).apply({ name: `web-${i}`, spec: {} });
        await status({ ready: object.spec.replicas });
      },
    });
    await advance();
    const made = [...(await servers()), await client.resource(Website).get('default/web')];
    expect(made.map(({ metadata }) => metadata.name)).toEqual(['web-0', 'web-1', 'web']);
    expect(new Set(made.map(({ metadata }) => metadata.resourceVersion)).size).toBe(1);
    expect([txns.length, errors()]).toEqual([1, []]);
  });

  it('I-189: a run that fails writes nothing', async () => {
    let fail = true;
    const { servers, advance } = await reconciling({
      async reconcile({ owned }) {
        await owned(Server).apply({ name: 'web-0', spec: {} });
        if (fail) throw new Error('after the first write');
      },
    });
    await advance();
    expect(await servers()).toEqual([]);
    fail = false;
    await advance(1000);
    expect(await servers()).toHaveLength(1);
  });

  it.each<[string, (context: Parameters<Options['reconcile']>[0]) => unknown]>([
    ['its own object', () => {}],
    ['an object that it read', ({ client }) => client.resource(Server).get('default/seen')],
    ['an object that it found in a list', ({ client }) => client.resource(Server).list({ namespace: 'default' })],
    ['an object that the cache gave it', ({ lister }) => lister(Server).get('default/seen')],
    ['an object that the cache listed', ({ lister }) => lister(Server).list()],
    ['a name that it looked for in vain', ({ client }) => client.resource(Server).find('default/absent')],
    ['a name that the cache did not have', ({ lister }) => lister(Server).has('default/absent')],
  ])('I-189: writes nothing when %s has changed since, and runs again', async (what, look) => {
    const outside = deferred();
    let run = 0;
    const { client, servers, advance, errors } = await reconciling(
      {
        async reconcile(context) {
          await look(context);
          // What it makes asks for a run of its own, and that for none.
          if (++run > 2) return;
          if (run === 1) await outside.promise;
          await context.owned(Server).create({ name: `made-by-${run}`, spec: {} });
        },
      },
      ['seen'],
    );
    const seen = await client.resource(Server).get('default/seen');
    await advance();
    if (what === 'its own object')
      await client
        .resource(Website)
        .update(await client.resource(Website).get('default/web'), { spec: { replicas: 5 } });
    else if (what.includes('name')) await client.resource(Server).create({ name: 'absent', spec: {} });
    else await client.resource(Server).update(seen, { spec: { site: 'other' } });
    outside.resolve();
    await advance(1000);
    expect(errors()).toHaveLength(1);
    expect(isSetpointError(errors()[0], 'Conflict')).toBe(true);
    expect((await servers()).map(({ metadata }) => metadata.name)).not.toContain('made-by-1');
    expect((await servers()).map(({ metadata }) => metadata.name)).toContain('made-by-2');
  });

  it('I-189: a run sees what it wrote: in gets, lists and further writes', async () => {
    const seen: unknown[] = [];
    const { servers, advance, errors } = await reconciling({
      async reconcile({ client, owned }) {
        const objects = client.resource(Server);
        if ((await objects.find('default/web-0')) !== undefined) return;
        const made = await owned(Server).create({ name: 'web-0', spec: { site: 'one' } });
        await objects.update(made, { spec: { site: 'two' } });
        const got = await objects.get('default/web-0');
        await objects.update(got, { spec: { site: 'three' } });
        await owned(Server).create({ name: 'web-1', spec: {} });
        seen.push((await objects.list()).items.map(({ metadata, spec }) => [metadata.name, spec.site]));
        await objects.delete('default/web-1');
        seen.push((await objects.list()).items.length, await objects.find('default/web-1'));
        seen.push(
          await owned(Server)
            .create({ name: 'web-0', spec: {} })
            .catch((error: { code: string }) => error.code),
        );
        seen.push(
          await owned(Server)
            .create({ name: 'web-1', spec: {} })
            .catch((error: { code: string }) => error.code),
        );
      },
    });
    await advance();
    expect(errors()).toEqual([]);
    expect(seen).toEqual([
      [
        ['web-0', 'three'],
        ['web-1', ''],
      ],
      1,
      undefined,
      'AlreadyExists',
      'Invalid',
    ]);
    expect((await servers()).map(({ metadata, spec }) => [metadata.name, metadata.generation, spec.site])).toEqual([
      ['web-0', 3, 'three'],
    ]);
  });

  it('I-189: refuses more than 128 objects, saying how many, and writes none of them', async () => {
    let count = 128;
    const { servers, advance, errors } = await reconciling({
      async reconcile({ owned }) {
        for (let i = 0; i < count; i++) await owned(Server).create({ name: `s-${i}`, spec: {} });
      },
    });
    await advance();
    expect(errors()).toMatchObject([{ code: 'TooManyOperations', details: { size: 129, limit: 128 } }]);
    expect((errors()[0] as Error).message).toContain('read 129 objects and wrote 128');
    expect(await servers()).toEqual([]);
    count = 127;
    await advance(1000);
    expect(await servers()).toHaveLength(127);
  });

  it('I-189: where a fence takes part, there is room for 126 objects, and the error says that', async () => {
    let count = 126;
    const options: Partial<ControlPlaneOptions> = { leaderElection: { name: 'sites' } };
    const create: Options['reconcile'] = async ({ owned }) => {
      for (let i = 0; i < count; i++) await owned(Server).create({ name: `s-${i}`, spec: {} });
    };
    const { servers, advance, errors } = await reconciling({ reconcile: create }, [], options);
    await advance(1000);
    expect(errors()[0]).toMatchObject({ code: 'TooManyOperations', details: { size: 127, limit: 126 } });
    count = 125;
    await advance(10_000);
    expect(await servers()).toHaveLength(125);
  });

  it('I-189: the finalizer comes with the first writes, and goes with the last', async () => {
    const { client, website, servers, advance, txns } = await reconciling({
      reconcile: async ({ owned }) => void (await owned(Server).apply({ name: 'web-0', spec: {} })),
      finalize: async ({ owned }) => {
        for (const server of owned(Server).list()) await owned(Server).delete(server);
      },
    });
    await advance();
    const object: ObjectOf<typeof Website> = await client.resource(Website).get(website);
    expect(object.metadata.finalizers).toEqual(['demo.dev/websites']);
    const [server] = await servers();
    expect(server!.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
    expect(txns).toHaveLength(1);
    await client.resource(Website).delete(object);
    txns.length = 0;
    await advance();
    expect([await servers(), await client.resource(Website).find(website)]).toEqual([[], undefined]);
    expect(txns).toHaveLength(1);
  });

  it('F-99, I-189: what a run left behind can write no more, now or later', async () => {
    const late = deferred();
    let outcome: unknown;
    const { servers, advance } = await reconciling({
      reconcile({ owned }) {
        void late.promise
          .then(() => owned(Server).create({ name: 'late', spec: {} }))
          .catch((error: unknown) => (outcome = error));
      },
    });
    await advance();
    late.resolve();
    await advance();
    expect(outcome).toMatchObject({ code: 'Closed' });
    expect(await servers()).toEqual([]);
  });

  it('I-189: a run that writes nothing asks nothing of the store', async () => {
    const { advance, txns, reports } = await reconciling({ reconcile: ({ object }) => void object });
    await advance();
    expect([txns, reports.length]).toEqual([[], 1]);
  });

  it('I-185, I-189: its writes are told at the revision of the commit, and waited for by the next run', async () => {
    const { manager, advance, servers } = await reconciling({
      reconcile: async ({ owned }) => void (await owned(Server).apply({ name: 'web-0', spec: {} })),
    });
    await advance();
    const [server] = await servers();
    const runs = manager.controller('websites').explain('default/web').runs;
    expect(runs.flatMap(({ writes }) => writes)).toEqual([
      { kind: 'Server', key: 'default/web-0', revision: BigInt(server!.metadata.resourceVersion) },
    ]);
  });
});
