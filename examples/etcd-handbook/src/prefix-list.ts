/**
 * Read all keys under a prefix. End it with a slash: `/handbook/list` would also match `/handbook/listing`.
 *
 *     $ etcdctl get --prefix /handbook/list/
 */
import { page, text } from './page.ts';

export const prefixList = page(import.meta, async ({ store, say }) => {
  for (const name of ['a', 'b', 'c']) await store.put({ key: `/handbook/list/${name}`, value: name.toUpperCase() });
  const { kvs, count } = await store.range({ prefix: '/handbook/list/' });
  for (const { key, value } of kvs) say(`${text(key)} = ${text(value)}`);
  say(`${count} in all`);
});
