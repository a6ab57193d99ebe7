/**
 * How each endpoint is doing: its version, how large its database is, who leads, and at which revision it is.
 *
 *     $ etcdctl endpoint status --write-out=table
 */
import { page } from './page.ts';

export const endpointStatus = page(import.meta, async ({ store, say }) => {
  for (const { endpoint, version, dbSizeBytes, leaderId, memberId, revision, raftTerm } of await store.status()) {
    const role = leaderId === memberId ? 'leader' : 'follower';
    say(`${endpoint}: etcd ${version}, ${role}, ${dbSizeBytes} bytes, revision ${revision}, raft term ${raftTerm}`);
  }
});
