/**
 * Delete a key and get what it held, in one step: nobody can have changed it in between.
 *
 *     $ etcdctl del /handbook/take/ticket --prev-kv
 */
import { page, text } from './page.ts';

export const deleteWithPrevious = page(import.meta, async ({ store, say }) => {
  await store.put({ key: '/handbook/take/ticket', value: 'number 42' });
  const { prevKvs } = await store.delete({ key: '/handbook/take/ticket', prevKv: true });
  say(`took ${text(prevKvs[0]!.value)}`);
});
