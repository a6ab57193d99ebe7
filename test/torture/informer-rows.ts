import { setTimeout as wait } from 'node:timers/promises';
import type { Informer } from 'setpoint/informer';
import { keyText, type Store } from 'setpoint/store';
import type { EtcdServer } from '../harness/etcd-server.ts';
import type { TcpProxy } from '../harness/tcp-proxy.ts';
import { check, checkSame, eventually } from './checks.ts';
import type { Cycle } from './cycle.ts';
import { RecordedOutput } from './recorded-output.ts';
import type { Row } from './row.ts';
import { WrittenHistory } from './written-history.ts';

/** An informer that lives through all cycles, behind a proxy, and all that it ever told. */
interface Followed {
  readonly server: EtcdServer;
  readonly proxy: TcpProxy;
  /** Past the proxy. */
  readonly direct: Store;
  readonly informer: Informer<string>;
  readonly history: WrittenHistory;
  readonly output: RecordedOutput;
}

const PREFIX = '/followed/';

function followed(t: Cycle): Promise<Followed> {
  return t.shared('followed', async (tools) => {
    const server = await tools.etcd();
    const proxy = await tools.tcpProxy(server.endpoints[0]!);
    const direct = tools.store(server.endpoints, { combineWrites: false });
    const informer = tools.informer(tools.store(proxy.endpoint), PREFIX, 5);
    const history = new WrittenHistory(direct, PREFIX);
    const output = new RecordedOutput(informer, history);
    await informer.whenSynced();
    return { server, proxy, direct, informer, history, output };
  });
}

/** A few changes of a few keys: puts, deletions, both of a pair at once, and keys that only look like ours. */
async function writeSome(t: Cycle, { history, direct }: Followed, count: number): Promise<bigint> {
  let revision = 0n;
  for (let at = 0; at < count; at++) {
    const value = `${t.number}/${at}`;
    const name = `k${t.between(0, 9)}`;
    const dice = t.random.next();
    if (dice < 0.5) revision = await history.write({ [name]: value });
    else if (dice < 0.75) revision = await history.write({ [name]: undefined });
    else if (dice < 0.85) revision = await history.write({ 'pair/left': value, 'pair/right': value });
    else if (dice < 0.9) revision = await history.write({ 'pair/left': undefined, 'pair/right': undefined });
    else ({ revision } = await direct.put({ key: `${PREFIX.slice(0, -1)}-not/${name}`, value }));
  }
  return revision;
}

/** C1: the whole cache is the whole range at the cache's revision. */
async function checkCache({ lister, revision, prefix }: Informer<string>, direct: Store): Promise<void> {
  const cached = Array.from(lister.keys(), (key) => `${key}=${lister.get(key)}@${lister.entry(key)!.modRevision}`);
  const { kvs } = await direct.range({ prefix, revision }, { timeoutMs: 15_000 });
  const stored = kvs.map((kv) => `${keyText(kv.key).slice(prefix.length)}=${keyText(kv.value)}@${kv.modRevision}`);
  checkSame(cached.sort(), stored.sort(), `C1: the cache at revision ${revision}`);
}

type Fault = (t: Cycle, all: Followed) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  async cuts(t, all) {
    const writing = writeSome(t, all, t.between(5, 30));
    for (let times = t.between(1, 3); times > 0; times--) {
      await wait(t.between(0, 15));
      all.proxy.cut();
    }
    await writing;
  },
  async cutInAMessage(t, all) {
    all.proxy.cutAfter('server', t.between(1, 2000));
    await writeSome(t, all, t.between(5, 30));
    all.proxy.cut();
  },
  async away(t, all) {
    all.proxy.refuse();
    await writeSome(t, all, t.between(5, 30));
    all.proxy.release();
  },
  async compactedAway(t, all) {
    all.proxy.refuse();
    await writeSome(t, all, t.between(3, 15));
    // Now and then the last that is compacted is a deletion.
    const revision = await (t.random.next() < 0.3 ? lastDeletion(all.history) : writeSome(t, all, t.between(1, 5)));
    await all.direct.compact(revision).catch(() => {});
    if (t.random.next() < 0.5) await writeSome(t, all, t.between(1, 5));
    all.proxy.release();
  },
  async compacted(t, all) {
    const revision = await writeSome(t, all, t.between(3, 15));
    if (t.random.next() < 0.5) all.proxy.cut();
    await all.direct.compact(revision).catch(() => {});
    await writeSome(t, all, t.between(1, 10));
  },
  async silence(t, all) {
    all.proxy.hold(t.random.next() < 0.5 ? 'both' : 'server');
    await writeSome(t, all, t.between(5, 20));
    if (t.random.next() < 0.5) all.proxy.cut();
    all.proxy.release();
  },
  async killed(t, all) {
    await writeSome(t, all, t.between(1, 10));
    await all.server.kill();
    await all.server.restart();
    await eventually(() => all.history.isWhole().catch(() => false), 'the server is back');
    await writeSome(t, all, t.between(1, 10));
  },
};

async function lastDeletion(history: WrittenHistory): Promise<bigint> {
  await history.write({ k0: 'x' });
  return history.write({ k0: undefined });
}

/**
 * With a fault each second and never two quiet minutes, attempts come to be spaced by 30 s and up to as much again (I-78); the
 * second of two compactions without an event in between waits for one.
 */
const OVER_WITHIN_MS = 75_000;

/** A restart costs a second where the others cost some milliseconds. */
const kinds = [...Object.keys(faults).filter((name) => name !== 'killed'), 'killed'] as const;

export const rows: readonly Row[] = [
  {
    id: 'F-34',
    title:
      'one cache lives through cuts, absences, compactions, silence and kills: its output is ordered, unique, atomic, ' +
      'reliable, resumed, complete at each mark, filtered and true to history (I-169 to I-176)',
    async cycle(t) {
      const all = await followed(t);
      const { informer, output, direct, history } = all;
      const often = t.random.next() < 0.97;
      const kind = often ? t.pick(kinds.slice(0, -1)) : 'killed';
      await faults[kind]!(t, all);
      const revision = await history.write({ mark: `${t.number}` });
      await eventually(
        () => informer.hasSynced && informer.revision >= revision,
        `the cache to get over ${kind}`,
        OVER_WITHIN_MS,
      );
      await checkCache(informer, direct);
      check(await history.isWhole(), 'what was written is not what the store has: the test is wrong');
      output.check();
      t.measure('calls', output.calls);
      t.measure('relists', output.relists);
    },
  },
];
