/**
 * Delete a key. The answer says how many were there: 1, or 0.
 *
 *     $ etcdctl del /handbook/delete/key
 */
import { page } from './page.ts';

export const deleteCount = page(import.meta, async ({ store, say }) => {
  await store.put({ key: '/handbook/delete/key', value: 'soon gone' });
  say(`deleted: ${(await store.delete({ key: '/handbook/delete/key' })).deleted}`);
  say(`once more: ${(await store.delete({ key: '/handbook/delete/key' })).deleted}`);
});
