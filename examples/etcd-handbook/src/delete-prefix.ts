/**
 * Delete everything under a prefix, as one revision: no reader sees half of it gone.
 *
 *     $ etcdctl del --prefix /handbook/delete-all/
 */
import { page } from './page.ts';

export const deletePrefix = page(import.meta, async ({ store, say }) => {
  for (let i = 0; i < 5; i++) await store.put({ key: `/handbook/delete-all/${i}`, value: '' });
  say(`deleted: ${(await store.delete({ prefix: '/handbook/delete-all/' })).deleted}`);
});
