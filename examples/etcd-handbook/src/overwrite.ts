/**
 * Write a key that is there already: the new value replaces the old one, and the answer can bring the old one along.
 *
 *     $ etcdctl put /handbook/overwrite/colour blue --prev-kv
 */
import { page, text } from './page.ts';

export const overwrite = page(import.meta, async ({ store, say }) => {
  await store.put({ key: '/handbook/overwrite/colour', value: 'red' });
  const { prevKv } = await store.put({ key: '/handbook/overwrite/colour', value: 'green', prevKv: true });
  say(`was ${text(prevKv!.value)}`);
});
