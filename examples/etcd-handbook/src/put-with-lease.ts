/**
 * A key that goes when its lease does: who is alive keeps the lease up, who dies disappears by himself.
 *
 *     $ etcdctl put /handbook/lease/instance alive --lease=$(etcdctl lease grant 5 | cut -d' ' -f2)
 */
import { page, text } from './page.ts';

export const putWithLease = page(import.meta, async ({ store, say }) => {
  const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 5 });
  const { revision } = await store.put({ key: '/handbook/lease/instance', value: 'alive', lease: id });
  const { keys } = await store.leaseTimeToLive(id, { keys: true });
  say(`keys of the lease: ${keys.map(text).join()}; nobody keeps it alive, and it has ${ttlSeconds} s`);

  for await (const { events } of store.watch({ prefix: '/handbook/lease/', startRevision: revision + 1n })) {
    for (const { type, kv } of events) say(`${type.toUpperCase()} ${text(kv.key)}`);
    if (events.length > 0) break;
  }
});
