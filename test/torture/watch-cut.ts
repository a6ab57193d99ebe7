import { once } from 'node:events';
import { Etcd3 } from 'etcd3';
import type { EtcdServer } from '../harness/etcd-server.ts';
import { check, checkRun, eventually, within } from './checks.ts';
import type { Cycle } from './cycle.ts';

/** Where the one connection of a watch is cut while it catches up. */
export type CutPoint = 'created' | 'first batch';

export const CUT_KEYS = 3000;
const PREFIX = '/cut/';

interface CutServer {
  readonly server: EtcdServer;
  readonly first: bigint;
}

/** A server with 3,000 keys, each of a revision of its own. */
function cutServer(t: Cycle): Promise<CutServer> {
  return t.shared('3,000 keys', async (tools) => {
    const server = await tools.etcd();
    const writer = tools.store(server.endpoints, { combineWrites: false });
    const { revision } = await writer.put({ key: '/before', value: '' });
    for (let done = 0; done < CUT_KEYS; done += 50) {
      const puts = Array.from({ length: 50 }, (_, i) => writer.put({ key: `${PREFIX}${done + i}`, value: '' }));
      await Promise.all(puts);
    }
    return { server, first: revision + 1n };
  });
}

/** Watches all 3,000 from the first on through one cut; each must come once, in order. */
export async function watchThroughCut(t: Cycle, at: CutPoint): Promise<void> {
  const { server, first } = await cutServer(t);
  const proxy = await t.tcpProxy(server.endpoints[0]!);
  const store = t.store(proxy.endpoint);
  const watch = t.watch(store, { prefix: PREFIX, startRevision: first });
  await watch.until(() => (at === 'created' ? watch.connection.length > 0 : watch.events.length > 0));
  proxy.cut();
  const last = first + BigInt(CUT_KEYS) - 1n;
  await within(
    watch.until(() => watch.batches.at(-1)?.revision === last),
    20_000,
    `the last of ${CUT_KEYS} events`,
  );
  checkRun(watch.events, first, last);
  await eventually(() => proxy.accepted >= 2, 'the cut made it connect again');
}

/** The same with the watcher of the etcd3 package, which says that it is live again and then is. */
export async function etcd3ThroughCut(t: Cycle, at: CutPoint): Promise<void> {
  const { server, first } = await cutServer(t);
  const proxy = await t.tcpProxy(server.endpoints[0]!);
  const client = new Etcd3({ hosts: proxy.endpoint });
  t.defer(() => client.close());
  const seen = new Set<string>();
  const watcher = client.watch().prefix(PREFIX).startRevision(String(first)).watcher();
  t.defer(() => watcher.cancel());
  watcher.on('error', () => {});
  let cutsLeft = 1;
  const cutOnce = (): void => {
    if (cutsLeft-- > 0) proxy.cut();
  };
  watcher.once('connected', () => at === 'created' && cutOnce());
  watcher.on('data', (response) => {
    for (const event of response.events) seen.add(event.kv.mod_revision);
    if (at === 'first batch') cutOnce();
  });
  await once(watcher, 'disconnected');
  await once(watcher, 'connected');
  const { revision } = await t.store(server.endpoints).put({ key: `${PREFIX}live`, value: '' });
  while (!seen.has(String(revision))) await once(watcher, 'data');
  const from = (await t.store(server.endpoints).range({ prefix: PREFIX })).kvs.filter((kv) => kv.modRevision >= first);
  const lost = from.filter((kv) => !seen.has(String(kv.modRevision))).length;
  check(lost === 0, `${lost} of ${from.length} events were never delivered, without an error`);
}
