import { describe, expect, it } from 'vitest';
import { drive, errorOf, revisionOf, sampleClient, Server, Website } from '../../../../test/harness/sample-objects.ts';
import { SetpointError } from '../errors/index.ts';
import { memoryStore, type Store } from '../store/index.ts';
import type { Transaction } from './index.ts';

const spec = { message: 'm' };

describe('a transaction of several objects', () => {
  it('writes objects of any kinds at one revision, or none of them', async () => {
    const { client, websites, servers, store } = sampleClient();
    const web = await websites.create({ name: 'web', spec });
    const { value, resourceVersion } = await client.transaction(async (tx) => {
      const sites = tx.resource(Website);
      const current = await sites.get('web');
      await sites.update('web', { spec: { ...current.spec, replicas: 5 } });
      await sites.updateStatus('web', { ready: 5 });
      await tx.resource(Server).create({ name: 'a', spec });
      await tx.resource(Server).create({ generateName: 'b-', spec });
      expect(await tx.resource(Server).find('a')).toBeDefined();
      return current.metadata.uid;
    });
    expect(value).toBe(web.metadata.uid);
    expect(BigInt(resourceVersion)).toBe(await revisionOf(store));
    const after = await websites.get('web');
    expect(after).toMatchObject({
      spec: { replicas: 5 },
      status: { ready: 5 },
      metadata: { resourceVersion, generation: 2 },
    });
    const made = (await servers.list()).items;
    expect(made.map(({ metadata }) => metadata.resourceVersion)).toEqual([resourceVersion, resourceVersion]);
    const failed = client.transaction(async (tx) => {
      await tx.resource(Server).delete('a');
      await tx.resource(Server).create({ name: made[1]!.metadata.name, spec });
    });
    expect(await errorOf(failed)).toMatchObject({ code: 'AlreadyExists' });
    expect((await servers.list()).items).toEqual(made);
  });

  it('runs again when something that it only read has changed, and gives up at last', async () => {
    const { client, websites, servers, clock } = sampleClient();
    await websites.create({ name: 'web', spec });
    let runs = 0;
    const meddled = client.transaction(async (tx) => {
      const { replicas } = (await tx.resource(Website).get('web')).spec;
      if (++runs === 1) await websites.modify('web', () => ({ spec: { ...spec, replicas: 7 } }));
      await tx.resource(Server).create({ name: 'a', spec: { message: String(replicas) } });
    });
    await drive(clock, meddled);
    expect([runs, (await servers.get('a')).spec.message]).toEqual([2, '7']);
    const never = client.transaction(
      async (tx) => {
        const { replicas } = (await tx.resource(Website).get('web')).spec;
        await websites.scale('web', replicas + 1);
        await tx.resource(Server).update('a', { spec: { message: `at ${replicas}` } });
      },
      { attempts: 3 },
    );
    expect(await errorOf(drive(clock, never))).toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('"default/web"'),
    });
    expect((await servers.get('a')).spec.message).toBe('7');
  });

  it('reads everything at one revision', async () => {
    const { client, websites, store } = sampleClient();
    await websites.create({ name: 'one', spec: { message: '0' } });
    await websites.create({ name: 'two', spec: { message: '0' } });
    const { value } = await client.transaction(async (tx) => {
      const one = await tx.resource(Website).get('one');
      for (const name of ['one', 'two']) await websites.modify(name, () => ({ spec: { message: '1' } }));
      return [one.spec.message, (await tx.resource(Website).get('two')).spec.message];
    });
    expect(value).toEqual(['0', '0']);
    const before = await revisionOf(store);
    const both = await client.transaction(async (tx) =>
      Promise.all(['one', 'two'].map(async (name) => (await tx.resource(Website).get(name)).spec.message)),
    );
    expect(both).toEqual({ value: ['1', '1'], resourceVersion: String(before) });
  });

  it('loses no transfer among many at once', async () => {
    const { client, websites, clock } = sampleClient();
    for (const name of ['a', 'b', 'c']) await websites.create({ name, spec: { message: 'm', replicas: 50 } });
    const pairs = Array.from({ length: 60 }, (_, i) => [['a', 'b', 'c'][i % 3]!, ['b', 'c', 'a'][i % 3]!] as const);
    const all = Promise.all(
      pairs.map(([from, to]) =>
        client.transaction(
          async (tx) => {
            const sites = tx.resource(Website);
            const [source, target] = [await sites.get(from), await sites.get(to)];
            await sites.update(from, { spec: { ...source.spec, replicas: source.spec.replicas - 1 } });
            await sites.update(to, { spec: { ...target.spec, replicas: target.spec.replicas + 1 } });
          },
          { attempts: 1000 },
        ),
      ),
    );
    await drive(clock, all);
    expect((await websites.list()).items.map(({ spec: { replicas } }) => replicas)).toEqual([50, 50, 50]);
  });

  it('I-133: refuses more objects than a transaction of the store takes, and writes none', async () => {
    const { client, websites, store } = sampleClient();
    const before = await revisionOf(store);
    const many = client.transaction(async (tx) => {
      for (let i = 0; i < 129; i++) await tx.resource(Website).create({ name: `w${i}`, spec });
    });
    expect(await errorOf(many)).toMatchObject({ code: 'TooManyOperations', details: { limit: 128 } });
    expect(await revisionOf(store)).toBe(before);
    await client.transaction(async (tx) => {
      for (let i = 0; i < 128; i++) await tx.resource(Website).create({ name: `w${i}`, spec });
    });
    expect((await websites.list()).items).toHaveLength(128);
  });

  it('I-135: finds out by reading what became of a commit whose answer was lost', async () => {
    for (const applied of [true, false]) {
      const inner = memoryStore();
      let lose = true;
      const store = new Proxy(inner, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]): Promise<unknown> => {
            if (name !== 'txn' || !lose) return (await member.apply(target, args)) as unknown;
            lose = false;
            if (applied) await member.apply(target, args);
            throw new SetpointError('OutcomeUnknown', 'lost');
          };
        },
      }) as Store;
      const watched = Object.create(store, { watch: { value: inner.watch.bind(inner) } }) as Store;
      const { client, websites } = sampleClient({ store: watched });
      const lost = client.transaction(async (tx) => {
        await tx.resource(Website).create({ name: 'a', spec });
        await tx.resource(Website).create({ name: 'b', spec });
      });
      if (applied) await lost;
      else expect(await errorOf(lost)).toMatchObject({ code: 'OutcomeUnknown' });
      expect((await websites.list()).items).toHaveLength(applied ? 2 : 0);
    }
  });

  it('refuses in a dry run what is too much, as when it is meant', async () => {
    const { client } = sampleClient();
    for (const dryRun of [true, false]) {
      const body = async (tx: Transaction): Promise<void> => {
        for (let i = 0; i < 129; i++) await tx.resource(Website).create({ name: `web-${i}`, spec });
      };
      expect(await errorOf(client.transaction(body, { dryRun }))).toMatchObject({ code: 'TooManyOperations' });
    }
  });
});
