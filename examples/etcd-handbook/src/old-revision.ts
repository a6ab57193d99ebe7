/**
 * Read a key as it was: the store remembers every revision until it is compacted.
 *
 *     $ etcdctl get /handbook/old/text --rev=$(etcdctl get /handbook/old/text -w json | grep -o '"create_revision":[0-9]*' | cut -d: -f2)
 */
import { page, text } from './page.ts';

export const oldRevision = page(import.meta, async ({ store, say }) => {
  const key = '/handbook/old/text';
  const { revision } = await store.put({ key, value: 'first draft' });
  await store.put({ key, value: 'second draft' });
  const now = await store.range({ key });
  const then = await store.range({ key, revision });
  say(`now: ${text(now.kvs[0]!.value)}; at the earlier revision: ${text(then.kvs[0]!.value)}`);
});
