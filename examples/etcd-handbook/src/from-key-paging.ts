/**
 * Walk through many keys in pages: each page starts just after the last key of the one before, and all are read at the
 * revision of the first, so that together they are one moment's state although others write meanwhile.
 *
 *     $ etcdctl get --from-key /handbook/pages/3 --limit=3
 */
import { page, text } from './page.ts';

export const fromKeyPaging = page(import.meta, async ({ store, say }) => {
  for (let i = 1; i <= 7; i++) await store.put({ key: `/handbook/pages/${i}`, value: `${i}` });

  const end = '/handbook/pages0'; // "0" comes right after "/": the end of the prefix
  let from = '/handbook/pages/';
  let revision: bigint | undefined;
  for (;;) {
    const pinned = revision === undefined ? {} : { revision };
    const answer = await store.range({ key: from, end, limit: 3, ...pinned });
    say(answer.kvs.map(({ value }) => text(value)).join(' '));
    if (!answer.more) break;
    revision ??= answer.revision;
    from = `${text(answer.kvs.at(-1)!.key)}\0`; // the first key that can come after it
    await store.put({ key: '/handbook/pages/8', value: 'written meanwhile, and not in this walk' });
  }
  await store.delete({ key: '/handbook/pages/8' });
  const { kvs } = await store.range({ fromKey: '/handbook/pages/6', limit: 2 });
  say(`from key 6 on: ${kvs.map(({ value }) => text(value)).join(' ')}`);
});
