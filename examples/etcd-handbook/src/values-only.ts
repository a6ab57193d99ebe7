/**
 * Only the values. etcd always sends the keys too; what to print is up to the reader, here as in etcdctl.
 *
 *     $ etcdctl get --prefix /handbook/values/ --print-value-only
 */
import { page, text } from './page.ts';

export const valuesOnly = page(import.meta, async ({ store, say }) => {
  for (const day of ['monday', 'tuesday']) await store.put({ key: `/handbook/values/${day}`, value: `on ${day}` });
  const { kvs } = await store.range({ prefix: '/handbook/values/' });
  for (const { value } of kvs) say(text(value));
});
