import type { ObjectOf } from 'setpoint/resource';
import { memoryStore } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { errorOf, revisionOf, sampleClient, Website } from '../../../../test/harness/sample-objects.ts';

const spec = { message: 'hello' };

describe('an object on a lease', () => {
  it('stays on it through every kind of write, and goes with it', async () => {
    const { websites, client, store, clock } = sampleClient();
    const { id } = await store.leaseGrant({ ttlSeconds: 60 });
    const leaseOf = async (): Promise<bigint | undefined> =>
      (await store.range({ key: '/registry/websites/default/web' })).kvs[0]?.lease;
    const web = await websites.create({ name: 'web', spec }, { lease: id });
    const writes: Record<string, () => Promise<unknown>> = {
      update: () => websites.update(web, { labels: { a: 'b' } }),
      'update of the status': () => websites.modifyStatus('web', () => ({ ready: 1 })),
      modify: () => websites.modify('web', () => ({ labels: { a: 'c' } })),
      patch: () => websites.patch('web', { spec: { replicas: 2 } }),
      'JSON patch': () => websites.patchJson('web', [{ op: 'replace', path: '/spec/replicas', value: 3 }]),
      apply: () => websites.apply({ name: 'web', spec: { message: 'applied' } }),
      'apply of fields': () => websites.applyFields({ name: 'web', labels: { mine: 'x' } }, { manager: 'me' }),
      transaction: () => client.transaction(async (tx) => void (await tx.resource(Website).update('web', { spec }))),
      'mark of a delete': async () => {
        await websites.addFinalizer('web', 'demo.dev/f');
        await websites.delete('web');
      },
    };
    for (const [name, write] of Object.entries(writes)) {
      const before = await revisionOf(store);
      await write();
      expect([name, await leaseOf(), (await revisionOf(store)) > before]).toEqual([name, id, true]);
    }
    await clock.advance(61_000);
    expect(await websites.find('web')).toBeUndefined();
  });

  it('moves to another lease, or off any, where the write says so', async () => {
    const { websites, store } = sampleClient({ store: memoryStore() });
    const [one, two] = [await store.leaseGrant({ ttlSeconds: 60 }), await store.leaseGrant({ ttlSeconds: 60 })];
    const web = await websites.create({ name: 'web', spec }, { lease: one.id });
    const moved = await websites.update(web, { labels: { a: 'b' } }, { lease: two.id });
    await store.leaseRevoke(one.id);
    expect(await websites.get('web')).toEqual(moved);
    await websites.update(moved, { labels: { a: 'c' } }, { lease: 0n });
    await store.leaseRevoke(two.id);
    expect((await websites.get('web')).metadata.labels).toEqual({ a: 'c' });
  });

  it.each<
    [
      string,
      (
        w: ReturnType<typeof sampleClient>['websites'],
        web: ObjectOf<typeof Website>,
        lease: bigint,
      ) => Promise<unknown>,
    ]
  >([
    ['apply', (websites, _web, lease) => websites.apply({ name: 'web', spec }, { lease })],
    ['apply from a cached object', (websites, from, lease) => websites.apply({ name: 'web', spec }, { lease, from })],
    ['update', (websites, web, lease) => websites.update(web, { spec: web.spec }, { lease })],
    ['modify', (websites, _web, lease) => websites.modify('web', (current) => current, { lease })],
    ['modify of the status', (websites, _web, lease) => websites.modifyStatus('web', () => ({ ready: 1 }), { lease })],
    ['patch', (websites, _web, lease) => websites.patch('web', { spec }, { lease })],
  ])('moves to another lease also where nothing else changes: %s', async (_name, write) => {
    const { websites, store } = sampleClient({ store: memoryStore() });
    const [one, two] = [await store.leaseGrant({ ttlSeconds: 60 }), await store.leaseGrant({ ttlSeconds: 60 })];
    await websites.create({ name: 'web', spec }, { lease: one.id });
    const web = await websites.updateStatus(await websites.get('web'), { ready: 1 });
    await write(websites, web, two.id);
    await store.leaseRevoke(one.id);
    const moved = await websites.get('web');
    expect(moved.metadata).toMatchObject({ uid: web.metadata.uid, generation: web.metadata.generation });
    const before = await revisionOf(store);
    await write(websites, moved, two.id);
    expect(await revisionOf(store)).toBe(before);
  });

  it('stays where it is when a change leaves it alone', async () => {
    const { websites, store } = sampleClient({ store: memoryStore() });
    const [one, two] = [await store.leaseGrant({ ttlSeconds: 60 }), await store.leaseGrant({ ttlSeconds: 60 })];
    await websites.create({ name: 'web', spec }, { lease: one.id });
    await websites.modify('web', () => undefined, { lease: two.id });
    await websites.modifyStatus('web', () => undefined, { lease: two.id });
    await websites.delete('web', { only: () => false, lease: two.id });
    expect((await store.range({ key: '/registry/websites/default/web' })).kvs[0]?.lease).toBe(one.id);
  });

  it('does not come back: a write to one that went with its lease is refused, and a new one is on none', async () => {
    const { websites, store } = sampleClient({ store: memoryStore() });
    const { id } = await store.leaseGrant({ ttlSeconds: 60 });
    const web = await websites.create({ name: 'web', spec }, { lease: id });
    await store.leaseRevoke(id);
    expect(await errorOf(websites.update(web, { labels: { a: 'b' } }))).toMatchObject({ code: 'Conflict' });
    expect(await errorOf(websites.create({ name: 'web', spec }, { lease: id }))).toMatchObject({
      code: 'LeaseNotFound',
    });
    await websites.apply({ name: 'web', spec });
    expect((await store.range({ key: '/registry/websites/default/web' })).kvs[0]?.lease).toBe(0n);
  });
});
