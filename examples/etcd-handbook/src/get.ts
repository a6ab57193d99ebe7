/**
 * Read a key. One that isn't there is an empty answer, not an error.
 *
 *     $ etcdctl get /handbook/get/name
 */
import { page, text } from './page.ts';

export const get = page(import.meta, async ({ store, say }) => {
  await store.put({ key: '/handbook/get/name', value: 'setpoint' });
  const { kvs } = await store.range({ key: '/handbook/get/name' });
  say(kvs.map(({ key, value }) => `${text(key)} = ${text(value)}`).join());
  const nothing = await store.range({ key: '/handbook/get/nobody' });
  say(`a key that isn't there: ${nothing.kvs.length} answers`);
});
