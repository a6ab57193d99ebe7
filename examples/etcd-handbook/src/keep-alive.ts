/**
 * Keep a lease alive: each renewal starts its time anew. Renew at a third of the TTL, and believe the lease only until
 * the TTL counted from when the last renewal was *sent*; `lock` and `createSession` of `setpoint/coordination` do that.
 *
 *     $ etcdctl lease keep-alive --once $(etcdctl lease grant 5 | cut -d' ' -f2)
 */
import { sleep, systemClock } from 'setpoint';
import { page } from './page.ts';

export const keepAlive = page(import.meta, async ({ store, say }) => {
  const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 5 });
  await store.put({ key: '/handbook/keep-alive/instance', value: 'alive', lease: id });
  const started = systemClock.now();
  while (systemClock.now() - started < ttlSeconds * 1_500) {
    await store.leaseKeepAlive(id);
    await sleep(systemClock, (ttlSeconds * 1_000) / 3, undefined, { ref: true });
  }
  const { kvs } = await store.range({ key: '/handbook/keep-alive/instance' });
  say(`after one and a half times its TTL the key is ${kvs.length === 1 ? 'still there' : 'gone'}`);
  await store.leaseRevoke(id);
});
