import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Informer } from 'setpoint/informer';
import type { Operation } from 'setpoint/store';
import { auditCache, check, eventually } from './checks.ts';
import type { Cycle } from './cycle.ts';
import type { Row } from './row.ts';

const STORES = 20;
const INFORMERS = 10;
/** etcd takes one request of 1.5 MiB by default. */
const LARGE_BYTES = 1_400_000;

/** How long reads take one after the other, until all is done; the 99th of a hundred. */
async function slowestReads(read: () => Promise<unknown>, done: () => boolean): Promise<number> {
  const took: number[] = [];
  while (!done() || took.length < 20) {
    const startedAt = performance.now();
    await read();
    took.push(performance.now() - startedAt);
  }
  return took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]!;
}

async function writeHot(t: Cycle, store: ReturnType<Cycle['store']>, key: string): Promise<bigint> {
  const writes = t.between(1000, 2000);
  let [next, revision] = [0, 0n];
  const writer = async (): Promise<void> => {
    while (next < writes) {
      const written = await store.put({ key, value: `${next++}` }, { timeoutMs: 15_000 });
      if (written.revision > revision) ({ revision } = written);
    }
  };
  await Promise.all(Array.from({ length: 32 }, writer));
  return revision;
}

/** Much at once. */
export const rows: readonly Row[] = [
  {
    id: 'F-95',
    title: `a restarted server meets ${STORES * INFORMERS} informers at once: all resume without a list, and it answers meanwhile`,
    exclusive: true,
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      for (let at = 0; at < INFORMERS; at++) await direct.put({ key: `${t.prefix}${at}/key`, value: 'x' });
      const informers: Informer<string>[] = [];
      for (let at = 0; at < STORES; at++) {
        const store = t.store(server.endpoints);
        for (let of = 0; of < INFORMERS; of++) informers.push(t.informer(store, `${t.prefix}${of}/`));
      }
      await Promise.all(informers.map((informer) => informer.whenSynced()));
      await server.kill();
      await server.restart();
      let revision = 0n;
      await eventually(
        () =>
          direct.put({ key: `${t.prefix}0/key`, value: 'y' }).then(
            (put) => (revision = put.revision) > 0n,
            () => false,
          ),
        'the server is back',
      );
      for (let at = 1; at < INFORMERS; at++) {
        ({ revision } = await direct.put({ key: `${t.prefix}${at}/key`, value: 'y' }));
      }
      const back = (): boolean => informers.every(({ lister }) => lister.get('key') === 'y');
      const reading = slowestReads(() => direct.range({ key: `${t.prefix}0/key` }, { timeoutMs: 15_000 }), back);
      await eventually(back, () => `all caches to be at revision ${revision}`, 60_000);
      t.measure('p99 of a read meanwhile, ms', Math.round(await reading));
      const lists = informers.reduce((sum, { counts }) => sum + counts.lists, 0);
      check(lists === informers.length, `${lists} lists were read by ${informers.length} informers`);
    },
  },
  {
    id: 'F-117',
    title:
      'a key that is written all the time and values of 1.4 MB: the cache follows, lists in pages, and lets others work',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints, { combineWrites: false });
      const following = t.informer(store, t.prefix);
      await following.whenSynced();
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const revision = await writeHot(t, store, `${t.prefix}hot`);
      const large: readonly Operation[] = Array.from({ length: t.between(4, 8) }, (_, at) => ({
        put: { key: `${t.prefix}large${at}`, value: String(at).repeat(LARGE_BYTES) },
      }));
      for (const put of large) await store.txn({ then: [put] }, { timeoutMs: 15_000 });
      await eventually(() => following.revision >= revision, 'the cache to follow the hot key', 30_000);
      const listing = t.informer(t.store(server.endpoints), t.prefix);
      await listing.whenSynced();
      delay.disable();
      t.measure('p99 of the event loop, ms', Math.round(delay.percentile(99) / 1e6));
      for (const informer of [following, listing]) await auditCache(informer, store);
      await store.delete({ prefix: t.prefix }, { timeoutMs: 15_000 });
    },
  },
];
