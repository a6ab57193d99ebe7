/**
 * Write a key. Every write moves the one revision of the whole store.
 *
 *     $ etcdctl put /handbook/put/greeting hello
 */
import { page } from './page.ts';

export const put = page(import.meta, async ({ store, say }) => {
  const { revision } = await store.put({ key: '/handbook/put/greeting', value: 'hello' });
  say(`written at a revision above zero: ${revision > 0n}`);
});
