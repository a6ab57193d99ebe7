import { describe, expect, it } from 'vitest';
import type { Clock } from '../../internal/clock.ts';
import { FakeClock, settle } from '../../internal/fake-clock.ts';
import { seededRandom } from '../../internal/random.ts';
import { memoryStore } from './memory-store.ts';

function setUp() {
  const clock = new FakeClock();
  return { clock, store: memoryStore({ clock, random: seededRandom(7) }) };
}

describe('leases of the memory store', () => {
  it('a lease ends exactly at its TTL, one revision for each', async () => {
    const { clock, store } = setUp();
    for (const [key, ttlSeconds] of [
      ['a', 3],
      ['b', 2],
      ['c', 2],
    ] as const) {
      const { id } = await store.leaseGrant({ ttlSeconds });
      await store.put({ key, value: '', lease: id });
    }
    await clock.advance(1999);
    expect(await store.range({ fromKey: 'a' })).toMatchObject({ count: 3n, revision: 4n });
    await clock.advance(1);
    expect(await store.range({ fromKey: 'a' })).toMatchObject({ count: 1n, revision: 6n });
    await clock.advance(1000);
    expect(await store.range({ fromKey: 'a' })).toMatchObject({ count: 0n, revision: 7n });
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-144: a lease is over by the clock even where its timer is late', async () => {
    let now = 0;
    const stalled: Clock = {
      now: () => now,
      wallNow: () => 0,
      setTimer: () => ({ cancel: () => {} }),
      yield: settle,
    };
    const store = memoryStore({ clock: stalled });
    const { id } = await store.leaseGrant({ ttlSeconds: 5 });
    await store.put({ key: 'a', value: '', lease: id });
    now = 5000;
    await expect(store.leaseKeepAlive(id)).rejects.toMatchObject({ code: 'LeaseNotFound' });
    expect((await store.range({ key: 'a' })).count).toBe(0n);
  });

  it('one timer serves all leases, and renewing one sets none', async () => {
    const { clock, store } = setUp();
    const ids = [];
    for (let i = 0; i < 50; i++) ids.push((await store.leaseGrant({ ttlSeconds: 10 + i })).id);
    expect(clock.pendingTimers).toBe(1);
    for (const id of ids) await store.leaseKeepAlive(id);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(9000);
    for (const id of ids) await store.leaseKeepAlive(id);
    await clock.advance(9000);
    expect(await store.leases()).toHaveLength(50);
    expect(clock.pendingTimers).toBe(1);
    for (const id of ids) await store.leaseRevoke(id);
    expect(clock.pendingTimers).toBe(0);
  });

  it('says how long is left, in whole seconds', async () => {
    const { clock, store } = setUp();
    const { id } = await store.leaseGrant({ ttlSeconds: 10 });
    await clock.advance(2500);
    expect(await store.leaseTimeToLive(id)).toEqual({ id, ttlSeconds: 7, grantedTtlSeconds: 10, keys: [] });
  });

  it('a jump of the wall clock changes nothing', async () => {
    const { clock, store } = setUp();
    await store.leaseGrant({ ttlSeconds: 10 });
    clock.jumpWall(365 * 24 * 3600 * 1000);
    await clock.advance(1000);
    expect(await store.leases()).toHaveLength(1);
  });

  it('lists what expires first, first', async () => {
    const { store } = setUp();
    const late = (await store.leaseGrant({ ttlSeconds: 100 })).id;
    const early = (await store.leaseGrant({ ttlSeconds: 10 })).id;
    expect(await store.leases()).toEqual([early, late]);
  });
});
