import { cp, rm } from 'node:fs/promises';
import type { Informer } from 'setpoint/informer';
import type { Store, WatchBatch } from 'setpoint/store';
import { isSetpointError } from 'setpoint';
import type { EtcdServer } from '../harness/etcd-server.ts';
import { interposedStore } from '../harness/interposed-store.ts';
import type { TcpProxy } from '../harness/tcp-proxy.ts';
import type { Watched } from '../harness/watched.ts';
import { auditCache, check, checkOrder, eventually, within } from './checks.ts';
import type { Cycle } from './cycle.ts';
import { Ledger } from './ledger.ts';
import type { Row } from './row.ts';

/** A client behind a proxy that has seen a history, and what tells whether it noticed that it is another one now. */
interface Witnesses {
  readonly server: EtcdServer;
  readonly proxy: TcpProxy;
  /** Past the proxy. */
  readonly direct: Store;
  readonly store: Store;
  readonly watch: Watched;
  readonly informer: Informer<string>;
  readonly resets: () => number;
  /** The newest revision that was seen. */
  readonly seen: bigint;
  /** Puts the data back to what it was before the last writes that were seen. */
  readonly restore: () => Promise<void>;
}

type Backup = (server: EtcdServer) => Promise<() => Promise<void>>;

/** Writes, takes a backup, writes more, and has a watch and a cache see all of it. */
async function witnesses(t: Cycle, backUp: Backup): Promise<Witnesses> {
  const server = await t.sharedEtcd();
  const proxy = await t.tcpProxy(server.endpoints[0]!);
  const direct = t.store(server.endpoints, { combineWrites: false });
  await direct.put({ key: `${t.prefix}start`, value: '' });
  for (let i = t.between(0, 20); i > 0; i--) await direct.put({ key: `${t.prefix}kept/${i % 7}`, value: `${i}` });
  const restore = await backUp(server);
  const store = t.store(proxy.endpoint);
  const watch = t.watch(store, { prefix: t.prefix });
  const informer = t.informer(store, t.prefix);
  let resets = 0;
  informer.on('history-reset', () => resets++);
  await informer.whenSynced();
  await watch.until(() => watch.batches.length > 0);
  let seen = 0n;
  for (let i = t.between(1, 20); i > 0; i--) {
    ({ revision: seen } = await direct.put({ key: `${t.prefix}lost/${i % 5}`, value: `${i}` }));
  }
  if (t.random.next() < 0.3) ({ revision: seen } = await direct.delete({ key: `${t.prefix}lost/1` }));
  const last = (await direct.range({ key: '/x' })).revision;
  if (seen < last) seen = last;
  await watch.until(() => (watch.batches.at(-1)?.revision ?? 0n) >= seen);
  await informer.waitFor(seen);
  return { server, proxy, direct, store, watch, informer, resets: () => resets, seen, restore };
}

const snapshot: Backup = async (server) => {
  const restore = await server.snapshot();
  return () => restore();
};

const copyOfTheFiles: Backup = async (server) => {
  const { dataFolder } = server.members[0]!;
  await server.stop();
  await cp(dataFolder, `${dataFolder}-copy`, { recursive: true });
  await server.restart();
  return async () => {
    await rm(dataFolder, { recursive: true, force: true });
    await cp(`${dataFolder}-copy`, dataFolder, { recursive: true });
    await rm(`${dataFolder}-copy`, { recursive: true, force: true });
  };
};

const nothing: Backup = (server) =>
  Promise.resolve(() => rm(server.members[0]!.dataFolder, { recursive: true, force: true }));

/** Puts the backup in place while nobody sees it. */
async function restoreUnseen({ server, proxy, restore }: Witnesses): Promise<void> {
  proxy.refuse();
  await server.kill();
  await restore();
  await server.restart();
}

/** The reset is told, by the watch and by the cache, and both can be built anew. */
async function checkDetected(t: Cycle, { proxy, direct, store, watch, informer, resets }: Witnesses): Promise<void> {
  const before = watch.events.length;
  proxy.release();
  const over = await within(watch.over, 15_000, 'the watch is told that its history is gone');
  check(isSetpointError(over, 'HistoryReset'), `the watch ended with ${String(over)}`);
  check(watch.events.length === before, 'an event of the new history was delivered as one of the old');
  await eventually(() => resets() === 1, 'the cache tells the reset');
  await auditCache(informer, direct);
  check(resets() === 1, `${resets()} resets were told of one`);
  const next = t.watch(store, { prefix: t.prefix });
  await next.until(() => next.batches.length > 0);
  const { revision } = await direct.put({ key: `${t.prefix}new`, value: '' });
  await within(
    next.until(() => next.events.at(-1)?.kv.modRevision === revision),
    10_000,
    'an event of the new history',
  );
}

/** Writes on the restored store until its revision is past what was seen before. */
async function overtake(t: Cycle, { direct, seen }: Witnesses): Promise<void> {
  // In the same keys with other values, or in keys that nobody here looks at.
  const prefix = t.random.next() < 0.5 ? `${t.prefix}lost/` : '/elsewhere/';
  for (let revision = 0n, i = 0; revision <= seen + BigInt(t.between(0, 3)); i++) {
    ({ revision } = await direct.put({ key: `${prefix}${i % 5}`, value: `other ${i}` }, { timeoutMs: 15_000 }));
  }
}

/** History that is compacted, or is not the one that was seen. */
export const rows: readonly Row[] = [
  {
    id: 'F-34',
    title:
      'history is compacted while a client is away: watches end with the revision, caches list anew and miss nothing',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const store = t.store(proxy.endpoint);
      const ledger = new Ledger(direct, `${t.prefix}k/`);
      await ledger.burst(30, 8);
      const watch = t.watch(store, { prefix: t.prefix });
      const informer = t.informer(store, t.prefix, t.between(1, 20));
      const deleted: string[] = [];
      informer.addEventHandler({ delete: (_, { key }) => void deleted.push(key) });
      await informer.whenSynced();
      await watch.until(() => watch.batches.length > 0);
      proxy.refuse();
      const gone = [...ledger.acknowledged.keys()][t.between(0, 29)]!;
      await direct.delete({ key: gone });
      let revision = 0n;
      for (let i = t.between(1, 9); i > 0; i--) {
        ({ revision } = await direct.put({ key: `${t.prefix}x`, value: `${i}` }));
      }
      await direct.compact(revision);
      proxy.release();
      const over = await within(watch.over, 15_000, 'the watch ends');
      check(isSetpointError(over, 'Compacted'), `the watch ended with ${String(over)}`);
      check(over.details.revision === revision, `it names ${over.details.revision}, not ${revision}`);
      check(watch.events.length === 0, 'an event was delivered out of a compacted history');
      await auditCache(informer, direct);
      check(deleted.join() === gone.slice(t.prefix.length), `handlers were told of the deletion of ${deleted.join()}`);
    },
  },
  {
    id: 'F-35',
    title: 'history is compacted between the pages of a list: the list starts over, and never mixes revisions',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      await new Ledger(direct, `${t.prefix}k/`).burst(40, 8);
      let [compactions, pages] = [t.between(1, 3), 0];
      const store = interposedStore(t.store(server.endpoints), {
        async range(request, ask) {
          // Some pages of each list find their revision compacted.
          if (request.revision !== undefined && request.revision > 0n && pages++ % 2 === 0 && compactions-- > 0) {
            await direct.delete({ key: `${t.prefix}k/${String(pages).padStart(7, '0')}` });
            const { revision } = await direct.put({ key: `${t.prefix}k/x`, value: `${pages}` });
            await direct.compact(revision);
          }
          return ask(request);
        },
      });
      const informer = t.informer(store, t.prefix, t.between(3, 15));
      await auditCache(informer, direct, 20_000);
      check(compactions <= 0, 'the compactions did not happen');
    },
  },
  {
    id: 'F-36',
    title:
      'history is compacted between the list and the watch: listed anew, a few times at most, and nothing is missed',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      await new Ledger(direct, `${t.prefix}k/`).burst(10, 4);
      let compactions = t.between(1, 2);
      const store = interposedStore(t.store(server.endpoints), {
        async *watch(request, open): AsyncGenerator<WatchBatch> {
          if (compactions > 0) {
            await direct.delete({ key: `${t.prefix}k/000000${compactions - 1}` });
            // Up to the very revision that the watch asks for, or beyond.
            for (let i = t.between(0, 2); i > 0; i--) await direct.put({ key: `${t.prefix}k/x`, value: `${i}` });
            await direct.compact((await direct.range({ key: '/x' })).revision);
            compactions--;
          }
          yield* open(request);
        },
      });
      const informer = t.informer(store, t.prefix);
      let lists = 0;
      informer.on('relist', () => lists++);
      // A list is in the cache before its watch opens: only after the last compaction does the audit find its revision.
      await eventually(() => compactions === 0, 'the watches open and find history compacted');
      await auditCache(informer, direct, 20_000);
      check(lists <= 4, `R1: ${lists} lists`);
    },
  },
  {
    id: 'F-37',
    title: 'a watch starts at exactly the compacted revision, which deleted a key: Compacted, or the deletion comes',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      for (let i = t.between(1, 3); i > 0; i--) await direct.put({ key: `${t.prefix}x`, value: `${i}` });
      // A revision may have put something as well, which does come: that says nothing of the deletion.
      const put = t.random.next() < 0.5 ? [{ put: { key: `${t.prefix}z`, value: '' } }] : [];
      const { revision } = await direct.txn({ then: [...put, { delete: { key: `${t.prefix}x` } }] });
      for (let i = t.between(0, 2); i > 0; i--) await direct.put({ key: '/elsewhere', value: `${i}` });
      await direct.compact(revision);
      const watch = t.watch(direct, { prefix: t.prefix, startRevision: revision });
      const { revision: last } = await direct.put({ key: `${t.prefix}y`, value: '' });
      await within(
        Promise.race([watch.over, watch.until(() => watch.events.length > 0).catch(() => {})]),
        10_000,
        'it says',
      );
      if (watch.events.length > 0) {
        const came = watch.events.some(({ type, kv }) => type === 'delete' && kv.modRevision === revision);
        check(came, `the deletion at ${revision} was left out`);
        return;
      }
      const over = await watch.over;
      check(isSetpointError(over, 'Compacted'), `the watch ended with ${String(over)}`);
      check(over.details.revision === revision, `it names ${over.details.revision}, not ${revision}`);
      check(last > revision, 'unreachable');
    },
  },
  {
    id: 'F-38',
    title:
      'a client comes back when history is compacted up to a deletion it has not seen: the cache does not keep the key',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      await new Ledger(direct, `${t.prefix}k/`).burst(5, 1);
      const { revision: before } = await direct.put({ key: `${t.prefix}x`, value: '' });
      const informer = t.informer(t.store(proxy.endpoint), t.prefix);
      await informer.whenSynced();
      await informer.waitFor(before);
      proxy.refuse();
      // The very next revision is the deletion, and the last that is compacted.
      const { revision } = await direct.delete({ key: `${t.prefix}x` });
      await direct.compact(revision);
      if (t.random.next() < 0.5) await direct.put({ key: `${t.prefix}y`, value: '' });
      proxy.release();
      await auditCache(informer, direct);
      check(!informer.lister.has('x'), 'the cache keeps a key that is deleted');
    },
  },
  {
    id: 'F-39',
    title: 'progress marks come all the time while events flow: none is ahead of an event that is still to come',
    async cycle(t) {
      const server = await t.sharedEtcd({ flags: ['--experimental-watch-progress-notify-interval=20ms'] });
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints, { combineWrites: false });
      const { revision } = await direct.put({ key: `${t.prefix}start`, value: '' });
      const watch = t.watch(t.store(proxy.endpoint), { prefix: t.prefix, startRevision: revision });
      await watch.until(() => watch.events.length > 0);
      const ledger = new Ledger(direct, t.prefix);
      for (let round = 0; round < 5; round++) {
        const burst = ledger.burst(100, 16);
        if (t.random.next() < 0.5) proxy.cut();
        await burst;
        await new Promise((resolve) => setTimeout(resolve, t.between(0, 60)));
      }
      const last = await direct.put({ key: `${t.prefix}last`, value: '' });
      await within(
        watch.until(() => watch.events.at(-1)?.kv.modRevision === last.revision),
        15_000,
        'the last event',
      );
      checkOrder(watch.events);
      check(watch.events.length === 502, `${watch.events.length} of 502 events were delivered`);
      const marks = watch.batches.filter(({ events }) => events.length === 0).length;
      t.measure('marks', marks);
    },
  },
  {
    id: 'F-40',
    title: 'a backup is restored with the same ids, and the revision is lower: told as a reset, and all is built anew',
    async cycle(t) {
      const all = await witnesses(t, snapshot);
      await restoreUnseen(all);
      await checkDetected(t, all);
    },
  },
  {
    id: 'F-41',
    title:
      'a backup is restored with the same ids, and its revision has overtaken ours when we come back: told as a reset',
    async cycle(t) {
      const all = await witnesses(t, snapshot);
      await restoreUnseen(all);
      await overtake(t, all);
      await checkDetected(t, all);
    },
  },
  {
    id: 'F-42',
    title: 'a backup is restored with its revision raised and compacted: an ordinary compaction, and caches are right',
    versions: ['3.5'],
    async cycle(t) {
      const all = await witnesses(t, async (server) => {
        const restore = await server.snapshot();
        return () => restore({ bumpRevision: BigInt(t.between(1000, 1_000_000_000)) });
      });
      await restoreUnseen(all);
      all.proxy.release();
      const over = await within(all.watch.over, 15_000, 'the watch ends');
      check(
        isSetpointError(over, 'Compacted') || isSetpointError(over, 'HistoryReset'),
        `the watch ended with ${String(over)}`,
      );
      await auditCache(all.informer, all.direct);
      // What comes next starts over from a small cluster.
      await all.direct.delete({ prefix: t.prefix });
    },
  },
  {
    id: 'F-43',
    title: 'the files go back to an older state, as after a crash of the disk: told as a reset, also when overtaken',
    async cycle(t) {
      const all = await witnesses(t, copyOfTheFiles);
      await restoreUnseen(all);
      if (t.random.next() < 0.5) await overtake(t, all);
      await checkDetected(t, all);
    },
  },
  {
    id: 'F-45',
    title:
      'the data is deleted and an empty cluster has the same ids: told as a reset before anything is called deleted',
    async cycle(t) {
      const all = await witnesses(t, nothing);
      const told: string[] = [];
      all.informer.addEventHandler({ delete: (_, { key }) => void told.push(`${key} after ${all.resets()} resets`) });
      await restoreUnseen(all);
      if (t.random.next() < 0.3) await overtake(t, all);
      await checkDetected(t, all);
      check(
        told.every((each) => each.endsWith('after 1 resets')),
        `deletions were told before the reset: ${told.join()}`,
      );
    },
  },
];
