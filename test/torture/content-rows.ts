import { isSetpointError } from 'setpoint';
import type { WatchEvent } from 'setpoint/store';
import type { FrameProxyOptions } from '../harness/frame-proxy.ts';
import { withFields } from '../harness/grpc-messages.ts';
import { auditCache, check, checkOrder, checkRun, eventually, within } from './checks.ts';
import type { Cycle } from './cycle.ts';
import { Ledger } from './ledger.ts';
import type { Row } from './row.ts';

const WATCH = '/etcdserverpb.Watch/Watch';

type Change = (message: Buffer, stream: number) => readonly Buffer[];

/** Changes what the watch streams of a proxy say, but for their first message, which says that they are created. */
function onWatch(change: Change): FrameProxyOptions {
  const begun = new Set<number>();
  return {
    messages(message, { path, number }) {
      if (path !== WATCH) return [message];
      if (begun.has(number)) return change(message, number);
      begun.add(number);
      return [message];
    },
  };
}

/** Writes keys through one client, watches and caches them through a proxy that changes messages, and compares. */
async function followThrough(t: Cycle, change: Change): Promise<void> {
  const server = await t.sharedEtcd();
  const proxy = await t.frameProxy(server.endpoints[0]!, onWatch(change));
  const direct = t.store(server.endpoints, { combineWrites: false });
  const store = t.store(proxy.endpoint);
  const { revision } = await direct.put({ key: `${t.prefix}start`, value: '' });
  const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
  const informer = t.informer(store, t.prefix);
  const told = new Map<string, number>();
  informer.addEventHandler({ add: (_, { key }) => void told.set(key, (told.get(key) ?? 0) + 1) });
  await informer.whenSynced();
  for (let round = 0; round < 5; round++) await new Ledger(direct, `${t.prefix}${round}/`).burst(t.between(1, 20), 4);
  const last = await direct.put({ key: `${t.prefix}last`, value: '' });
  await within(
    watch.until(() => watch.events.at(-1)?.kv.modRevision === last.revision),
    15_000,
    'the last event',
  );
  checkRun(watch.events, revision, last.revision);
  await auditCache(informer, direct);
  await eventually(() => told.size === informer.lister.size, 'handlers are told of all');
  const twice = [...told].filter(([, times]) => times > 1).map(([key]) => key);
  check(twice.length === 0, `handlers were told twice of ${twice.join()}`);
}

/** What a watch says that it should not, or says all at once. */
export const rows: readonly Row[] = [
  {
    id: 'F-47',
    title: 'the server repeats events: each is delivered once, and handlers are told once',
    cycle: (t) => followThrough(t, (message) => (t.random.next() < 0.5 ? [message, message] : [message])),
  },
  {
    id: 'F-48',
    title: 'old events come again between new ones: they are left out, and the newest state stays',
    async cycle(t) {
      const past = new Map<number, Buffer[]>();
      await followThrough(t, (message, stream) => {
        const earlier = past.get(stream) ?? [];
        past.set(stream, [...earlier, message]);
        return earlier.length > 0 && t.random.next() < 0.5 ? [t.pick(earlier), message, t.pick(earlier)] : [message];
      });
    },
  },
  {
    id: 'F-49',
    title: '128 keys change in one revision: they come in one batch, and a reader of the cache never sees half',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const store = t.store(proxy.endpoint);
      const all = (value: string) =>
        Array.from({ length: 128 }, (_, i) => ({ put: { key: `${t.prefix}${i}`, value } }));
      const { revision } = await direct.txn({ then: all('0') });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      const informer = t.informer(store, t.prefix);
      await informer.whenSynced();
      let looking = true;
      const looks = (async () => {
        for (; looking; await new Promise((resolve) => setImmediate(resolve))) {
          const values = new Set(informer.lister.list());
          check(values.size <= 1, `a reader saw ${[...values].join(' and ')} at once`);
        }
      })();
      let last = revision;
      for (let round = 1; round <= 20; round++) {
        ({ revision: last } = await direct.txn({ then: all(String(round)) }));
        if (t.random.next() < 0.2) proxy.cut();
      }
      await watch.until(() => watch.batches.at(-1)?.revision === last);
      await informer.waitFor(last, { timeoutMs: 15_000 });
      looking = false;
      await looks;
      checkOrder(watch.events);
      const split = watch.batches.find(({ events }) => events.length % 128 !== 0);
      check(split === undefined, `a batch has ${split?.events.length} events`);
      check(watch.events.length === 21 * 128, `${watch.events.length} events were delivered`);
    },
  },
  {
    id: 'F-50',
    title: 'a key is put, deleted and put again at once: each change comes, and the new one is another incarnation',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const key = `${t.prefix}x`;
      const { revision: first } = await direct.put({ key, value: 'first' });
      const store = t.store(proxy.endpoint);
      const watch = t.watch(store, { key, startRevision: first });
      const informer = t.informer(store, t.prefix);
      const told: string[] = [];
      informer.addEventHandler({
        add: (value) => void told.push(`add ${value}`),
        update: (old, value) => void told.push(`update ${old} to ${value}`),
        delete: (value) => void told.push(`delete ${value}`),
      });
      await informer.whenSynced();
      await eventually(() => told.length === 1, 'the first add');
      await direct.delete({ key });
      if (t.random.next() < 0.5) proxy.cut();
      const { revision: second } = await direct.put({ key, value: 'second' });
      await watch.until(() => watch.events.length === 3);
      const [one, gone, two] = watch.events as [WatchEvent, WatchEvent, WatchEvent];
      check(gone.type === 'delete' && two.kv.createRevision === second && two.kv.version === 1n, 'the events differ');
      check(one.kv.createRevision === first, 'the first incarnation is not told');
      await informer.waitFor(second, { timeoutMs: 15_000 });
      await eventually(
        () => told.length >= 3,
        () => `handlers were told: ${told.join()}`,
      );
      check(told.join() === 'add first,delete first,add second', `handlers were told: ${told.join()}`);
    },
  },
  {
    id: 'F-51',
    title: 'a key is deleted and made again while nobody looks, and history is gone: a delete and an add, no update',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const key = `${t.prefix}x`;
      await direct.put({ key, value: 'old' });
      const informer = t.informer(t.store(proxy.endpoint), t.prefix);
      const told: string[] = [];
      informer.addEventHandler({
        add: (value) => void told.push(`add ${value}`),
        update: (old, value) => void told.push(`update ${old} to ${value}`),
        delete: (value) => void told.push(`delete ${value}`),
      });
      await informer.whenSynced();
      await eventually(() => told.length === 1, 'the first add');
      proxy.refuse();
      await direct.delete({ key });
      const { revision } = await direct.put({ key, value: 'new' });
      const compacted = t.random.next() < 0.7;
      if (compacted) await direct.compact(revision);
      proxy.release();
      await informer.waitFor(revision, { timeoutMs: 15_000 });
      await eventually(
        () => told.length >= 3,
        () => `handlers were told: ${told.join()}`,
      );
      check(told.join() === 'add old,delete old,add new', `handlers were told: ${told.join()}`);
    },
  },
  {
    id: 'F-52',
    title: 'what an event replaced is compacted: the event comes without it',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      for (let i = t.between(1, 4); i > 0; i--) await store.put({ key: `${t.prefix}x`, value: 'old' });
      const { revision } = await store.put({ key: `${t.prefix}x`, value: 'new' });
      await store.compact(revision);
      // One of deletions too would be told Compacted by a server that may have lost some (F-37).
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision, exclude: 'delete', prevKv: true });
      await within(
        watch.until(() => watch.events.length === 1),
        10_000,
        'the event',
      );
      const [event] = watch.events as [WatchEvent];
      check(event.kv.modRevision === revision && event.prevKv === undefined, 'the event is not as the store has it');
    },
  },
  {
    id: 'F-53',
    title: 'a lease with thousands of keys ends: all deletions come in one batch of one revision, to watch and cache',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const count = t.number % 10 === 9 ? 100_000 : 5000;
      const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 60 });
      const informer = t.informer(store, t.prefix);
      await informer.whenSynced();
      const watch = t.watch(store, { prefix: t.prefix, exclude: 'put' });
      await watch.until(() => watch.batches.length > 0);
      const txns = Array.from({ length: count / 100 }, (_, txn) => txn * 100);
      const write = async (): Promise<void> => {
        for (let from = txns.pop(); from !== undefined; from = txns.pop()) {
          const puts = Array.from({ length: 100 }, (_, i) => ({
            put: { key: `${t.prefix}${from + i}`, value: '', lease: id },
          }));
          await store.txn({ then: puts }, { timeoutMs: 20_000 });
        }
      };
      await Promise.all(Array.from({ length: 8 }, write));
      await eventually(() => informer.lister.size === count, 'the cache has all keys', 60_000);
      check(ttlSeconds === 60, `etcd granted ${ttlSeconds} s`);
      // etcd itself works for most of a minute on the end of a lease with 100,000 keys.
      await store.leaseRevoke(id, { timeoutMs: 180_000 });
      await within(
        watch.until(() => watch.events.length > 0),
        180_000,
        'the deletions',
      );
      const batches = watch.batches.filter(({ events }) => events.length > 0);
      check(batches.length === 1, `they came in ${batches.length} batches`);
      check(watch.events.length === count, `${watch.events.length} of ${count} deletions came`);
      check(new Set(watch.events.map(({ kv }) => kv.modRevision)).size === 1, 'they have several revisions');
      await eventually(() => informer.lister.size === 0, 'the cache is empty', 60_000);
    },
  },
  {
    id: 'F-54',
    title: 'events of keys that were not asked for come: they are left out, and said in the log',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const foreign: Buffer[] = [];
      // The first stream is the watch of other keys; what it says is also told to the second.
      const proxy = await t.frameProxy(
        server.endpoints[0]!,
        onWatch((message, stream) => {
          if (stream === 1) foreign.push(message);
          return stream === 1 ? [message] : [...foreign.splice(0), message];
        }),
      );
      const store = t.store(proxy.endpoint);
      const other = t.watch(store, { prefix: `${t.prefix}other/` });
      await other.until(() => other.batches.length > 0);
      const { revision } = await store.put({ key: `${t.prefix}own/start`, value: '' });
      const watch = t.watch(store, { prefix: `${t.prefix}own/`, startRevision: revision });
      await watch.until(() => watch.events.length === 1);
      const own = t.between(3, 10);
      for (let i = 0; i < own; i++) {
        await store.put({ key: `${t.prefix}other/${i}`, value: '' });
        await other.until(() => other.events.length === i + 1);
        await store.put({ key: `${t.prefix}own/${i}`, value: '' });
      }
      await watch.until(() => watch.events.length >= own + 1);
      const keys = watch.events.map(({ kv }) => new TextDecoder().decode(kv.key));
      check(
        keys.every((key) => key.startsWith(`${t.prefix}own/`)),
        `delivered: ${keys.join()}`,
      );
      check(t.log.count('not asked for') >= own, 'the log does not say that events were left out');
    },
  },
  {
    id: 'F-55',
    title: 'a watch hears nothing though its connection stands: after the limit it is opened anew and misses nothing',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const silent = t.between(1, 2);
      const proxy = await t.frameProxy(
        server.endpoints[0]!,
        onWatch((message, stream) => (stream <= silent ? [] : [message])),
      );
      const store = t.store(proxy.endpoint, { watchSilenceMs: t.between(100, 400) });
      const { revision } = await store.put({ key: `${t.prefix}start`, value: '' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      const ledger = new Ledger(store, t.prefix);
      await ledger.burst(20, 1);
      await within(
        watch.until(() => watch.events.length === 21),
        10_000,
        'all events',
      );
      checkOrder(watch.events);
      const { connection } = watch;
      check(
        connection.some((said) => said.includes('silent')),
        `the consumer was told: ${connection.join()}`,
      );
      check(proxy.connections === 1, `${proxy.connections} connections were made`);
    },
  },
  {
    id: 'F-56',
    title: 'one message says created and cancelled: an error with the reason, no hang, and the watch goes on or ends',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const refusals = t.between(1, 3);
      const compacted = t.random.next() < 0.5;
      const reason = Buffer.from('etcdserver: because of a test');
      // canceled = true, cancel_reason, and where drawn compact_revision = 7.
      const fields = [Buffer.from([0x20, 1, 0x32, reason.length]), reason, Buffer.from(compacted ? [0x28, 7] : [])];
      const first = new Set<number>();
      const proxy = await t.frameProxy(server.endpoints[0]!, {
        messages(message, { path, number }) {
          if (path !== WATCH || number > refusals || first.has(number)) return [message];
          first.add(number);
          return [withFields(message, Buffer.concat(fields))];
        },
      });
      const store = t.store(proxy.endpoint);
      const { revision } = await store.put({ key: `${t.prefix}x`, value: '' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      if (compacted) {
        const over = await within(watch.over, 5000, 'the watch ends');
        check(isSetpointError(over, 'Compacted'), `the watch ended with ${String(over)}`);
        check(over.details.revision === 7n, `it names revision ${over.details.revision}`);
        return;
      }
      await within(
        watch.until(() => watch.events.length === 1),
        10_000,
        'the event, after refusals',
      );
      check(watch.connection[0]!.includes('because of a test'), `the consumer was told: ${watch.connection.join()}`);
    },
  },
  {
    id: 'F-57',
    title: 'a watch from a future revision is told old events: they are left out, and what comes from there is whole',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const old: Buffer[] = [];
      const proxy = await t.frameProxy(
        server.endpoints[0]!,
        onWatch((message, stream) => {
          if (stream === 1) old.push(message);
          return stream === 1 ? [message] : [...old, message];
        }),
      );
      const store = t.store(proxy.endpoint, { combineWrites: false });
      const { revision } = await store.put({ key: `${t.prefix}x`, value: '' });
      const past = t.watch(store, { prefix: t.prefix, startRevision: revision });
      await past.until(() => past.events.length === 1);
      const start = revision + BigInt(t.between(2, 6));
      const watch = t.watch(store, { prefix: t.prefix, startRevision: start });
      await watch.until(() => watch.connection.includes('up'));
      let last = revision;
      while (last < start + 3n) ({ revision: last } = await store.put({ key: `${t.prefix}x`, value: `${last}` }));
      await within(
        watch.until(() => watch.events.at(-1)?.kv.modRevision === last),
        10_000,
        'the last event',
      );
      checkRun(watch.events, start, last);
    },
  },
];
