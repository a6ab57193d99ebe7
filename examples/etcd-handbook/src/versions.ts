/**
 * The three numbers of a key: `createRevision` names its incarnation, `modRevision` its last change (compare it to write
 * only if nobody else has), `version` counts its changes and starts at 1 again after a delete.
 *
 *     $ etcdctl get /handbook/versions/key --write-out=json
 */
import { page } from './page.ts';

export const versions = page(import.meta, async ({ store, say }) => {
  const key = '/handbook/versions/key';
  await store.delete({ key });
  const created = await store.put({ key, value: 'one' });
  const changed = await store.put({ key, value: 'two' });
  const [kv] = (await store.range({ key })).kvs;
  say(`created by the first put: ${kv!.createRevision === created.revision}`);
  say(`changed last by the second: ${kv!.modRevision === changed.revision}`);
  say(`version: ${kv!.version}`);

  const compare = { key, target: 'mod', operator: '=', operand: created.revision } as const;
  const { succeeded } = await store.txn({ compares: [compare], then: [{ put: { key, value: 'three' } }] });
  say(
    `a write that is conditional on the first revision: ${succeeded ? 'done' : 'refused, somebody has written since'}`,
  );
});
