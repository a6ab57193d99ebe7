/**
 * Only the keys: the server leaves the values out, which is what makes listing large objects cheap. `countOnly` goes
 * further and answers with the number alone.
 *
 *     $ etcdctl get --prefix /handbook/keys/ --keys-only
 */
import { page, text } from './page.ts';

export const keysOnly = page(import.meta, async ({ store, say }) => {
  for (const name of ['x', 'y']) await store.put({ key: `/handbook/keys/${name}`, value: 'much'.repeat(1_000) });
  const { kvs } = await store.range({ prefix: '/handbook/keys/', keysOnly: true });
  for (const { key, value } of kvs) say(`${text(key)}, ${value.length} bytes of value sent`);
  const { count } = await store.range({ prefix: '/handbook/keys/', countOnly: true });
  say(`count: ${count}`);
});
