import { etcdStore } from '@setpoint/etcd';
import { memoryStore, type Store } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { ConfigCenter } from '../../examples/config-center/src/config-center.ts';
import { ConfigClient } from '../../examples/config-center/src/config-client.ts';
import { configKey } from '../../examples/config-center/src/config-keys.ts';
import { availableEtcds, startEtcd } from '../harness/etcd-server.ts';
import { Scope } from '../harness/scope.ts';

const name = { namespace: 'default', app: 'shop' };
const WAIT = { timeout: 10_000 };
const numbers = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new Error('no number');
  return Number(text);
};

describe.each(['memory', ...(await availableEtcds())])('the configuration centre on %s', (version) => {
  /** A store of its own for one test, and what it started is ended with it. */
  async function onStore(work: (store: Store, scope: Scope) => Promise<void>): Promise<void> {
    const scope = new Scope();
    try {
      if (version === 'memory') return await work(memoryStore(), scope);
      const etcd = await startEtcd({ version });
      scope.defer(() => etcd.dispose());
      const store = etcdStore({ endpoints: etcd.endpoints });
      scope.defer(() => store.close());
      await work(store, scope);
    } finally {
      await scope.dispose();
    }
  }

  function client(store: Store, scope: Scope, instance?: string) {
    const stop = new AbortController();
    const bad: unknown[] = [];
    const seen: number[] = [];
    const follower = new ConfigClient({
      store,
      name,
      parse: numbers,
      onBadValue: (error) => bad.push(error),
      ...(instance !== undefined && { instance }),
    });
    follower.onChange((value) => seen.push(value));
    const running = follower.run(stop.signal);
    scope.defer(async () => {
      stop.abort();
      await running;
    });
    return { follower, bad, seen };
  }

  it('writes, counts versions, goes back, refuses the second of two writers, and pushes to clients; also over a compaction', async () => {
    await onStore(async (store, scope) => {
      const center = new ConfigCenter({ store, keptVersions: 3 });
      const { follower, seen, bad } = client(store, scope, 'shop-1');
      await follower.whenSynced();
      expect(() => follower.value).toThrow('NotFound');

      expect((await center.set(name, '1')).version).toBe(1);
      await expect.poll(() => seen, WAIT).toEqual([1]);
      await center.set(name, '2', { ifVersion: 1 });
      await expect(center.set(name, '9', { ifVersion: 1 })).rejects.toMatchObject({ code: 'Conflict' });
      await expect.poll(() => seen, WAIT).toEqual([1, 2]);

      await store.put({ key: configKey(name), value: 'many' }); // somebody with etcdctl
      await expect.poll(() => bad.length, WAIT).toBe(1);
      expect(follower.value).toBe(2);

      const { revision } = await store.put({ key: '/elsewhere', value: '' });
      await store.compact(revision);
      expect(await center.rollback(name, 1)).toEqual({ version: 3, value: '1', note: 'rollback to 1' });
      await expect.poll(() => follower.value, WAIT).toBe(1);

      await center.set(name, '4');
      expect((await center.history(name)).map((each) => each.version)).toEqual([4, 3, 2]);
      await expect(center.rollback(name, 1)).rejects.toMatchObject({ code: 'NotFound' });
      await center.delete(name);
      expect(await center.get(name)).toBeUndefined();
      expect((await center.set(name, '5', { ifVersion: 0 })).version).toBe(5);
      expect(await center.get(name)).toEqual({ version: 5, value: '5', note: '' });

      const other = client(store, scope);
      await other.follower.whenSynced();
      const granted = await center.setForInstance(name, 'shop-1', '77', 1);
      expect(granted).toBeGreaterThanOrEqual(1);
      await expect.poll(() => follower.value, WAIT).toBe(77);
      expect(other.follower.value).toBe(5);
      await expect.poll(() => follower.value, WAIT).toBe(5); // its lease has run out
    });
  });
});

it('refuses a name that would reach into the keys of another app', async () => {
  const center = new ConfigCenter({ store: memoryStore() });
  await expect(center.set({ namespace: 'default', app: 'a/b' }, '1')).rejects.toMatchObject({ code: 'Invalid' });
});
