/**
 * # The etcd driver
 *
 * `etcdStore()` is setpoint's Store over a real etcd, 3.4 or newer. Of the etcd3 package it uses the connection pool,
 * TLS and the codec; watching, retrying and errors are its own, because they carry the promises:
 *
 * - A watch delivers every revision of its keys once, whole and in order, over any number of broken connections. It
 *   resumes from the last delivered event or progress mark, and ends with a typed error when that is impossible.
 * - A write is sent at most once. If its answer is lost the caller is told so (`OutcomeUnknown`); if it provably was
 *   not sent, it waits for another endpoint, and then fails with `Unavailable`.
 * - Every call ends within its time (5 s unless said otherwise), whatever the network does.
 * - An endpoint of another cluster is never mixed in, and a history that went back is reported, not followed.
 *
 * ```ts
 * const store = etcdStore({ endpoints: ['http://127.0.0.1:2379'] });
 * const { revision } = await store.put({ key: '/config/timeout', value: '1000' });
 * for await (const batch of store.watch({ prefix: '/config/', startRevision: revision + 1n })) {
 *   for (const { type, kv } of batch.events) console.log(type, kv.modRevision);
 * }
 * await store.close();
 * ```
 *
 * Next: `etcd-store.ts`, then `calls.ts` for what happens to a call, and `watch.ts` for a watch.
 */
export { etcdStore } from './etcd-store.ts';
export { type EtcdStoreOptions } from './options.ts';
