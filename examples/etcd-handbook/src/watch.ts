/**
 * Watch: be told of every PUT and DELETE. Started from the revision after a read, it has no gap: what happened between
 * the read and the watch is delivered as well. A connection that breaks is mended without losing or repeating an event.
 *
 *     $ etcdctl watch --prefix /handbook/watch/
 */
import { page, text } from './page.ts';

export const watch = page(import.meta, async ({ store, say }) => {
  const { revision } = await store.range({ prefix: '/handbook/watch/' });
  await store.put({ key: '/handbook/watch/door', value: 'open' });
  await store.put({ key: '/handbook/watch/door', value: 'closed' });
  await store.delete({ key: '/handbook/watch/door' });

  const stop = new AbortController();
  const changes = store.watch({ prefix: '/handbook/watch/', startRevision: revision + 1n }, { signal: stop.signal });
  for await (const { events } of changes) {
    for (const { type, kv } of events) {
      say(`${type.toUpperCase()} ${text(kv.key)} ${text(kv.value)}`.trimEnd());
      if (type === 'delete') stop.abort();
    }
  }
});
