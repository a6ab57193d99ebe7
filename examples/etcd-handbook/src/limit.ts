/**
 * At most so many keys. `more` says that there are others, `count` how many there are in all.
 *
 *     $ etcdctl get --prefix /handbook/limit/ --limit=2
 */
import { page, text } from './page.ts';

export const limit = page(import.meta, async ({ store, say }) => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await store.put({ key: `/handbook/limit/${name}`, value: name });
  const { kvs, more, count } = await store.range({ prefix: '/handbook/limit/', limit: 2 });
  say(`${kvs.map(({ value }) => text(value)).join(' ')}; more: ${more}; ${count} in all`);
});
