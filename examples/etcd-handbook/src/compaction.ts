/**
 * Compaction: history up to a revision is forgotten, what is current stays. Without it a store grows for ever. A read or
 * a watch of what was forgotten fails with `Compacted`, and says where history begins.
 *
 *     $ etcdctl compaction $(etcdctl endpoint status -w json | grep -o '"revision":[0-9]*' | head -1 | cut -d: -f2)
 *     $ etcdctl defrag
 */
import { isSetpointError } from 'setpoint';
import { page, text } from './page.ts';

export const compaction = page(import.meta, async ({ store, say }) => {
  const key = '/handbook/compaction/key';
  const first = await store.put({ key, value: 'old' });
  const { revision } = await store.put({ key, value: 'current' });
  await store.compact(revision);
  const error: unknown = await store.range({ key, revision: first.revision }).catch((reason: unknown) => reason);
  say(`the old revision: ${isSetpointError(error) ? error.code : 'still there'}`);
  say(`the key: ${text((await store.range({ key })).kvs[0]!.value)}`);
  await store.put({ key, value: 'newer' }); // so that etcdctl's compaction has something to forget as well
});
