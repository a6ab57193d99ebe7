import { beforeEach, describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { leasePool } from './lease-pool.ts';
import { memoryStore } from './memory/memory-store.ts';
import type { Store } from './port.ts';

describe('leasePool', () => {
  let clock: FakeClock;
  let store: Store;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
  });

  it('I-154: keys of one TTL within the window share a lease, which takes 1,000 keys at most', async () => {
    const pool = leasePool(store, { clock });
    const first = await pool.take(3600);
    await clock.advance(59_999);
    expect(await pool.take(3600)).toBe(first);
    expect(await pool.take(1800)).not.toBe(first);
    await clock.advance(1);
    expect(await pool.take(3600)).not.toBe(first);
    const many = await Promise.all(Array.from({ length: 2500 }, () => pool.take(600)));
    expect(new Set(many).size).toBe(3);
  });

  it('I-154: the window is a twentieth of a short TTL', async () => {
    const pool = leasePool(store, { clock });
    const first = await pool.take(100);
    await clock.advance(4999);
    expect(await pool.take(100)).toBe(first);
    await clock.advance(1);
    expect(await pool.take(100)).not.toBe(first);
  });

  it('I-154: no key goes before its TTL, and none stays for longer than the window and the store need', async () => {
    const random = seededRandom(5);
    const pool = leasePool(store, { clock });
    const due = new Map<string, { earliest: number; latest: number }>();
    for (let index = 0; index < 60; index++) {
      await clock.advance(Math.floor(random.next() * 4000));
      const ttl = [10, 60, 120][index % 3]!;
      const key = `k${index}`;
      const earliest = clock.now() + ttl * 1000;
      await store.put({ key, value: '', lease: await pool.take(ttl) });
      due.set(key, { earliest, latest: earliest + Math.min(60_000, ttl * 50) + 2000 });
    }
    for (let step = 0; step < 800; step++) {
      const { kvs } = await store.range({ prefix: 'k', keysOnly: true });
      const there = new Set(kvs.map(({ key }) => new TextDecoder().decode(key)));
      for (const [key, { earliest, latest }] of due) {
        if (clock.now() < earliest && clock.now() > earliest - 500) expect(there.has(key)).toBe(true);
        if (clock.now() > latest) expect(there.has(key)).toBe(false);
      }
      await clock.advance(400);
    }
    expect((await store.range({ prefix: 'k' })).count).toBe(0n);
  });

  it('a grant that failed is not kept, nor a lease that is gone', async () => {
    let broken = true;
    const flaky: Pick<Store, 'leaseGrant'> = {
      leaseGrant: (request) =>
        broken ? Promise.reject(new SetpointError('Unavailable', 'nobody there')) : store.leaseGrant(request),
    };
    const pool = leasePool(flaky, { clock });
    await expect(pool.take(60)).rejects.toMatchObject({ code: 'Unavailable' });
    broken = false;
    const lease = await pool.take(60);
    await store.leaseRevoke(lease);
    pool.forget(lease);
    await clock.advance(0);
    expect(await pool.take(60)).not.toBe(lease);
  });

  it('P1: a lease may be forgotten while a grant is under way that comes to nothing', async () => {
    const grants: ((error: unknown) => void)[] = [];
    const pool = leasePool({ leaseGrant: () => new Promise((_, reject) => grants.push(reject)) }, { clock });
    const taken = pool.take(60);
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    pool.forget(7n);
    grants[0]!(new SetpointError('Unavailable', 'nobody there'));
    await expect(taken).rejects.toMatchObject({ code: 'Unavailable' });
    await settle();
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it('who gives up hears so at once, and only for himself', async () => {
    const grants: ((granted: { id: bigint; ttlSeconds: number }) => void)[] = [];
    const pool = leasePool({ leaseGrant: () => new Promise((resolve) => grants.push(resolve)) }, { clock });
    const caller = new AbortController();
    const given = pool.take(60, { signal: caller.signal });
    const other = pool.take(60);
    caller.abort(new Error('enough'));
    await expect(given).rejects.toMatchObject({ code: 'Aborted', cause: new Error('enough') });
    await expect(pool.take(30, { signal: caller.signal })).rejects.toMatchObject({ code: 'Aborted' });
    expect(grants).toHaveLength(1);
    grants[0]!({ id: 7n, ttlSeconds: 63 });
    expect(await other).toBe(7n);
  });

  it('refuses numbers that can not be', async () => {
    expect(() => leasePool(store, { keysMax: 0 })).toThrow('Invalid');
    for (const ttl of [0, 1.5, -1, 1e12])
      await expect(leasePool(store).take(ttl)).rejects.toMatchObject({ code: 'Invalid' });
  });
});
