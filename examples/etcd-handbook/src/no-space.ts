/**
 * NOSPACE: a store that has reached its quota takes no more writes, and stays so until an operator has made room and put
 * the alarm off. Start an etcd for this page with `--quota-backend-bytes=16777216`; it fills what there is.
 *
 *     $ etcdctl alarm list
 *     $ etcdctl compaction $(etcdctl endpoint status -w json | grep -o '"revision":[0-9]*' | head -1 | cut -d: -f2)
 *     $ etcdctl defrag
 *     $ etcdctl alarm disarm
 *
 * The way out: delete what is not needed (deletes still work), compact, defragment each member so that its file shrinks,
 * and only then put the alarm off. Defragmenting blocks the member meanwhile; it is an operator's act on one member and
 * not part of a Store, so that this page asks etcd3's maintenance client for it.
 */
import { Etcd3 } from 'etcd3';
import { isSetpointError, type SetpointError, type Store } from 'setpoint';
import { page } from './page.ts';

const prefix = '/handbook/no-space/';

export const noSpace = page(import.meta, async ({ store, endpoints, say }) => {
  const error = await fill(store);
  say(`the last write: ${error}`);
  for (const { alarm } of await store.alarms()) say(`alarm: ${alarm}`);
  say('reads go on: ' + ((await store.range({ prefix, countOnly: true })).count > 0n ? 'yes' : 'no'));

  const { revision } = await store.delete({ prefix }); // deletes still work
  await store.compact(revision);
  for (const endpoint of endpoints) await defragment(endpoint);
  for (const alarm of await store.alarms()) await store.disarm(alarm);
  say(`alarms that are left: ${(await store.alarms()).length}`);
  await store.put({ key: `${prefix}again`, value: 'there is room' });
  say('writes go on');
});

/** Writes until it is refused, and gives the refusal: etcd may say NOSPACE and have written all the same. */
async function fill(store: Store): Promise<string> {
  const value = 'x'.repeat(1 << 20);
  try {
    for (let i = 0; i < 200; i++) await store.put({ key: `${prefix}${i}`, value });
  } catch (error) {
    if (isSetpointError(error)) return `${error.code}, because of ${(error.cause as SetpointError).code}`;
    throw error;
  }
  await store.delete({ prefix });
  throw new Error('200 MiB were written and none refused: this etcd has a larger quota than this page is for');
}

async function defragment(endpoint: string): Promise<void> {
  const member = new Etcd3({ hosts: endpoint });
  try {
    await member.maintenance.defragment();
  } finally {
    member.close();
  }
}
