/**
 * A lease: so many seconds to live. Ask what was granted, for etcd raises a TTL below its minimum (2 s by default).
 *
 *     $ etcdctl lease grant 60
 *     $ etcdctl lease list
 */
import { page } from './page.ts';

export const lease = page(import.meta, async ({ store, say }) => {
  const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 60 });
  const left = await store.leaseTimeToLive(id);
  say(`granted ${ttlSeconds} s, of which between 1 and 60 are left: ${left.ttlSeconds >= 1 && left.ttlSeconds <= 60}`);
  await store.leaseRevoke(id);
  say(`is still there after its revocation: ${(await store.leases()).includes(id)}`);
  const tiny = await store.leaseGrant({ ttlSeconds: 1 });
  say(`asked for 1 s, granted ${tiny.ttlSeconds} s, after which it goes by itself`);
});
