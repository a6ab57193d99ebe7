/**
 * Sort on the server: by key, create revision, mod revision, version or value, up or down.
 *
 *     $ etcdctl get --prefix /handbook/descending/ --order=DESCEND --sort-by=KEY
 */
import { page, text } from './page.ts';

export const descending = page(import.meta, async ({ store, say }) => {
  for (const name of ['1', '2', '3']) await store.put({ key: `/handbook/descending/${name}`, value: name });
  const { kvs } = await store.range({ prefix: '/handbook/descending/', sort: { by: 'key', order: 'descend' } });
  say(kvs.map(({ value }) => text(value)).join(' '));
});
