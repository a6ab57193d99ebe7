import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from '../harness/free-ports.ts';
import { auditCache, check, checkOrder, checkRun, eventually, failure, within } from './checks.ts';
import { Ledger } from './ledger.ts';
import type { Row } from './row.ts';
import { etcd3ThroughCut, watchThroughCut } from './watch-cut.ts';

/** A network that cuts, holds, slows and misleads. */
export const rows: readonly Row[] = [
  {
    id: 'F-22',
    title: 'a watch that catches up on 3,000 events is cut after its first batch: none is lost, none comes twice',
    cycle: (t) => watchThroughCut(t, 'first batch'),
    etcd3: (t) => etcd3ThroughCut(t, 'first batch'),
  },
  {
    id: 'F-23',
    title: 'a watch on 3,000 events is cut right after it was created: none is lost, none comes twice',
    cycle: (t) => watchThroughCut(t, 'created'),
    etcd3: (t) => etcd3ThroughCut(t, 'created'),
  },
  {
    id: 'F-24',
    title: 'a connection goes silent without an end: noticed within 10 s, said meanwhile, and nothing is missed',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints, { combineWrites: false });
      const store = t.store(proxy.endpoint);
      const { revision } = await direct.put({ key: `${t.prefix}start`, value: '' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      const informer = t.informer(store, t.prefix);
      await informer.whenSynced();
      await watch.until(() => watch.events.length === 1);
      await wait(t.between(0, 2000));
      proxy.hold('both');
      const heldAt = performance.now();
      await new Ledger(direct, t.prefix).burst(20, 4);
      await within(
        watch.until(() => watch.connection.length > 1),
        14_000,
        'the silence is noticed',
      );
      const noticedMs = performance.now() - heldAt;
      t.measure('noticed ms', noticedMs);
      check(noticedMs <= 10_250, `the silence was noticed after ${Math.round(noticedMs)} ms`);
      await eventually(() => informer.stalledSince !== undefined, 'the cache says that it may be stale', 1000);
      proxy.cut();
      proxy.release();
      const last = await direct.put({ key: `${t.prefix}last`, value: '' });
      await watch.until(() => watch.events.at(-1)?.kv.modRevision === last.revision);
      checkRun(watch.events, revision, last.revision);
      await auditCache(informer, direct);
    },
  },
  {
    id: 'F-25',
    title: 'requests pass and replies do not: writes are unknown at their deadline, and applied once',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      await store.put({ key: `${t.prefix}start`, value: '' });
      const ledger = new Ledger(store, `${t.prefix}k/`);
      proxy.hold('server');
      await ledger.burst(t.between(2, 12), 12, t.between(50, 300));
      check(ledger.acknowledged.size === 0, 'a write was acknowledged without a reply');
      check(ledger.unknown.size === ledger.size, 'a write that was sent was called refused');
      if (t.random.next() < 0.5) proxy.cut();
      proxy.release();
      await ledger.verify();
      const { count } = await store.range({ prefix: `${t.prefix}k/` });
      check(count === BigInt(ledger.size), `${count} of ${ledger.size} writes were applied`);
    },
  },
  {
    id: 'F-26',
    title: 'the link carries 10 KB/s: a list ends by its deadline with a code, a watch makes progress to the end',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const { revision } = await direct.put({ key: `${t.prefix}start`, value: '' });
      // Together they come as one message, which takes longer than a ping may on a link that carries other things.
      const count = t.between(20, 100);
      const value = new Uint8Array(1024).fill(1);
      let last = revision;
      for (let i = 0; i < count; i++) ({ revision: last } = await direct.put({ key: `${t.prefix}${i}`, value }));
      const store = t.store(proxy.endpoint);
      await store.range({ key: '/warm' });
      proxy.throttle(10_000);
      const list = store.range({ prefix: t.prefix }, { timeoutMs: 1000 });
      await failure(list, ['DeadlineExceeded'], 'a list over a slow link');
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      await within(
        watch.until(() => watch.events.at(-1)?.kv.modRevision === last),
        60_000,
        'all events over a slow link',
      );
      checkRun(watch.events, revision, last);
      proxy.throttle(undefined);
      check((await store.range({ prefix: t.prefix })).kvs.length === count + 1, 'the list is not whole');
    },
  },
  {
    id: 'F-27',
    title: 'every packet is late by 100 to 900 ms: calls succeed, nothing reconnects, nothing is listed again',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const store = t.store(proxy.endpoint);
      const informer = t.informer(store, t.prefix);
      let lists = 0;
      informer.on('relist', () => lists++);
      await informer.whenSynced();
      const { id } = await store.leaseGrant({ ttlSeconds: 6 });
      const links = proxy.accepted;
      proxy.delay(() => t.between(100, 900) / 2);
      const ledger = new Ledger(store, t.prefix);
      const renewals = (async () => {
        for (let i = 0; i < 3; i++) await store.leaseKeepAlive(id);
      })();
      await Promise.all([ledger.burst(4, 2, 5000), renewals]);
      check(ledger.unknown.size + ledger.refused.size === 0, 'a write failed though the network only was slow');
      await auditCache(informer, direct);
      check(proxy.accepted === links, `${proxy.accepted - links} more connections were made`);
      check(lists <= 1, `listed ${lists} times`);
      check((await direct.leases()).includes(id), 'the lease was lost');
    },
  },
  {
    id: 'F-28',
    title: 'a response that comes in fragments is cut at any byte: the revision comes whole and once',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const puts = (fill: string) =>
        Array.from({ length: 12 }, (_, i) => ({ put: { key: `${t.prefix}${i}`, value: fill.repeat(110_000) } }));
      const { revision } = await direct.txn({ then: puts('a') });
      const second = await direct.txn({ then: puts('b') });
      const store = t.store(proxy.endpoint);
      await store.range({ key: '/warm' });
      proxy.cutAfter('server', t.between(1, 3_500_000));
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision, prevKv: true });
      await watch.until(() => watch.batches.length === 1 || watch.connection.length > 1);
      if (t.random.next() < 0.5) proxy.cutAfter('server', t.between(1, 3_500_000));
      await within(
        watch.until(() => watch.batches.at(-1)?.revision === second.revision),
        20_000,
        'the second revision',
      );
      const perRevision = watch.batches.flatMap(({ events }) => {
        const revisions = events.map(({ kv }) => kv.modRevision);
        return [...new Set(revisions)].map((each) => `${each}: ${revisions.filter((r) => r === each).length}`);
      });
      check(
        perRevision.join() === `${revision}: 12,${second.revision}: 12`,
        `revisions came as ${perRevision.join('; ')}`,
      );
      await direct.delete({ prefix: t.prefix });
    },
  },
  {
    id: 'F-29',
    title: 'connections are reset twenty times a second: few are made anew, none is left over, and all events come',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const store = t.store(proxy.endpoint);
      const { revision } = await direct.put({ key: `${t.prefix}start`, value: '' });
      const watches = Array.from({ length: 10 }, () => t.watch(store, { prefix: t.prefix, startRevision: revision }));
      const warnings: string[] = [];
      const onWarning = (warning: Error): void => void warnings.push(warning.message);
      process.on('warning', onWarning);
      t.defer(() => process.off('warning', onWarning));
      const ledger = new Ledger(direct, t.prefix);
      const stop = ledger.keepWriting(1);
      const before = proxy.accepted;
      for (let reset = 0; reset < 40; reset++) {
        proxy.cut();
        await wait(50);
      }
      const made = proxy.accepted - before;
      t.measure('connections in 2 s', made);
      check(made <= 45, `R1: ${made} connections were made for 40 resets`);
      await stop();
      const last = await direct.put({ key: `${t.prefix}last`, value: '' });
      const all = (): boolean => watches.every(({ events }) => events.at(-1)?.kv.modRevision === last.revision);
      await eventually(all, 'all watches have the last event', 20_000);
      for (const watch of watches) checkRun(watch.events, revision, last.revision);
      check(proxy.accepted - before - made <= 3, 'connections go on being made after the storm');
      check(warnings.length === 0, `node warns: ${warnings[0]}`);
    },
  },
  {
    id: 'F-30',
    title: 'no endpoint is right: each is named with its own error, within the time of the call',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const held = await t.tcpProxy(server.endpoints[0]!);
      held.hold('both');
      const [port] = await freePorts(1);
      const website = await listening(
        t,
        createHttpServer((_, response) => response.end('<html>')),
      );
      const wrong: Record<string, RegExp> = {
        [`http://127.0.0.1:${port}`]: /ECONNREFUSED/,
        [held.endpoint]: /no answer within/,
        [website]: /[Pp]rotocol error|not .*HTTP\/2|Parse|HTTP/,
        'http://setpoint.invalid:2379': /resol|ENOTFOUND|EAI_AGAIN|no answer within/i,
      };
      const endpoints = Object.keys(wrong).sort(() => t.random.next() - 0.5);
      const store = t.store(endpoints, { dialTimeoutMs: 300 });
      const startedAt = performance.now();
      const error = await failure(store.range({ key: '/x' }, { timeoutMs: 2500 }), ['Unavailable'], 'a read');
      check(performance.now() - startedAt < 4000, 'the call went on after its deadline');
      for (const [endpoint, reason] of Object.entries(wrong)) {
        const own = error.message.slice(error.message.indexOf(endpoint)).split(/\), |\); /)[0]!;
        check(error.message.includes(endpoint) && reason.test(own), `${endpoint} is told as: ${own}`);
      }
    },
  },
  {
    id: 'F-31',
    title: 'a server limits calls per connection and asks for new connections: nothing fails, and nothing is doubled',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.frameProxy(server.endpoints[0]!, { maxStreams: t.between(3, 20) });
      const store = t.store(proxy.endpoint);
      const { revision } = await store.put({ key: `${t.prefix}start`, value: '' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      const ledger = new Ledger(store, `${t.prefix}k/`);
      const burst = ledger.burst(300, 32, 10_000);
      for (let round = 0; round < 3; round++) {
        await wait(t.between(5, 40));
        proxy.goAway();
      }
      await burst;
      await ledger.verify();
      const failed = ledger.unknown.size + ledger.refused.size;
      check(
        failed === 0,
        `${failed} of 300 writes failed, such as by ${[...ledger.refused.values(), ...ledger.unknown.values()][0]}`,
      );
      const last = await store.put({ key: `${t.prefix}last`, value: '' });
      await within(
        watch.until(() => watch.events.at(-1)?.kv.modRevision === last.revision),
        15_000,
        'the last event',
      );
      checkOrder(watch.events);
      check(watch.events.length === 302, `${watch.events.length} of 302 events were delivered`);
    },
  },
  {
    id: 'F-32',
    title: '1,000 watches of one store share a connection, and each gets its own events, also after a cut',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const direct = t.store(server.endpoints);
      const { revision } = await store.put({ key: '/start', value: '' });
      const count = 1000;
      const watches = Array.from({ length: count }, (_, index) =>
        t.watch(store, { prefix: `${t.prefix}${index}/`, startRevision: revision }),
      );
      await eventually(() => watches.every(({ connection }) => connection.includes('up')), 'all watches stand', 60_000);
      check(proxy.accepted === 1, `${proxy.accepted} connections were made`);
      const round = async (name: string): Promise<void> => {
        for (let first = 0; first < count; first += 100) {
          const puts = Array.from({ length: 100 }, (_, i) => ({
            put: { key: `${t.prefix}${first + i}/${name}`, value: '' },
          }));
          await direct.txn({ then: puts });
        }
      };
      await round('a');
      if (t.random.next() < 0.5) proxy.cut();
      await round('b');
      await eventually(() => watches.every(({ events }) => events.length >= 2), 'all events have come', 60_000);
      for (const [index, { events }] of watches.entries()) {
        const keys = events.map(({ kv }) => new TextDecoder().decode(kv.key)).join();
        check(keys === `${t.prefix}${index}/a,${t.prefix}${index}/b`, `watch ${index} got ${keys}`);
        checkOrder(events);
      }
    },
  },
  {
    id: 'F-33',
    title: 'what listens at the address is no etcd: NotEtcd where that is plain, no crash, no hot loop',
    async cycle(t) {
      const garbage = Buffer.from(Array.from({ length: 200 }, () => t.between(0, 255)));
      let connections = 0;
      const speaks = createServer((socket) => {
        connections++;
        socket.on('error', () => {});
        socket.write(garbage);
      });
      const website = createHttpServer((_, response) => response.end('<html>')).on('connection', () => connections++);
      const http2 = createHttp2Server((_, response) => response.end('<html>')).on('session', () => connections++);
      const [bytes, one, two] = [await listening(t, speaks), await listening(t, website), await listening(t, http2)];
      for (const [endpoint, codes] of [
        [bytes, ['NotEtcd', 'Unavailable']],
        [one, ['NotEtcd']],
        [two, ['NotEtcd']],
      ] as const) {
        connections = 0;
        const store = t.store(endpoint);
        const startedAt = performance.now();
        const error = await failure(store.put({ key: '/x', value: '' }, { timeoutMs: 1500 }), codes, `at ${endpoint}`);
        check(error.message.includes(endpoint), `the endpoint is not named: ${error.message}`);
        check(performance.now() - startedAt < 3000, 'the call went on after its deadline');
        check(connections <= 20, `R1: ${connections} connections in 1.5 s`);
      }
    },
  },
];

/** Lets a server listen on a free loopback port until the cycle is over; gives its address. */
async function listening(t: { defer(dispose: () => unknown): void }, server: Server): Promise<string> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.defer(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    sockets.forEach((socket) => socket.destroy());
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
