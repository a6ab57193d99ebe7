/**
 * Who belongs to the cluster, and where each member can be reached.
 *
 *     $ etcdctl member list
 */
import { page } from './page.ts';

export const memberList = page(import.meta, async ({ store, say }) => {
  for (const { id, name, clientUrls } of await store.members()) say(`${name} (${id}) at ${clientUrls.join(', ')}`);
});
