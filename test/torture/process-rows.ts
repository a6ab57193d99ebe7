import { setTimeout as wait } from 'node:timers/promises';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { auditCache, check, checkOrder, checkRun, eventually, failure, within } from './checks.ts';
import { Ledger } from './ledger.ts';
import type { Row } from './row.ts';

/** One etcd process that crashes, freezes or is not there. */
export const rows: readonly Row[] = [
  {
    id: 'F-1',
    title: 'etcd crashes while idle: caches and watches are whole again soon after it is back, with few log lines',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      const { revision } = await direct.put({ key: `${t.prefix}start`, value: '' });
      const store = t.store(server.endpoints);
      const informer = t.informer(store, t.prefix);
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      await informer.whenSynced();
      await watch.until(() => watch.connection.includes('up'));
      await wait(t.between(0, 150));
      await server.kill();
      await wait(t.between(0, 300));
      await server.restart();
      const backAt = performance.now();
      const last = await direct.put({ key: `${t.prefix}after`, value: '' });
      await within(
        watch.until(() => watch.events.at(-1)?.kv.modRevision === last.revision),
        10_000,
        'the event after the restart',
      );
      t.measure('recovery ms', performance.now() - backAt);
      checkRun(watch.events, revision, last.revision);
      await auditCache(informer, direct);
      const said = t.log.count('lost its stream');
      check(said <= 4, `${said} log lines of 2 watches that lost their streams once`);
      check(t.log.lines.length < 60, `a flood of ${t.log.lines.length} log lines`);
    },
  },
  {
    id: 'F-2',
    title: 'etcd crashes in the middle of 1,000 writes: what was acknowledged is there, the rest is unknown or refused',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      await store.put({ key: '/warm', value: '' });
      const ledger = new Ledger(store, t.prefix);
      const burst = ledger.burst(1000, 32, 8000);
      await wait(t.between(0, 400));
      await server.restart();
      await burst;
      await ledger.verify();
      t.measure('unknown', ledger.unknown.size);
    },
  },
  {
    id: 'F-3',
    title:
      'etcd is absent at start: calls name the endpoint, nothing claims to be synced, and all goes on when it comes',
    async cycle(t) {
      const server = await t.sharedEtcd();
      await server.kill();
      const store = t.store(server.endpoints);
      const informer = t.informer(store, t.prefix);
      const watch = t.watch(store, { prefix: t.prefix });
      const error = await failure(
        store.range({ prefix: t.prefix }, { timeoutMs: t.between(100, 600) }),
        ['Unavailable'],
        'a read',
      );
      check(error.message.includes(server.endpoints[0]!), `the endpoint is not named: ${error.message}`);
      check(!informer.hasSynced && informer.lister.size === 0, 'an informer synced without a store');
      check(watch.batches.length === 0, 'a watch delivered without a store');
      await server.restart();
      await watch.until(() => watch.batches.length > 0);
      const { revision } = await store.put({ key: `${t.prefix}x`, value: 'x' });
      await watch.until(() => watch.events.at(-1)?.kv.modRevision === revision);
      await auditCache(informer, store, 20_000);
    },
  },
  {
    id: 'F-4',
    title: 'etcd is gone for ten minutes of virtual time: no more than one dial for each back-off, then all goes on',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const clock = new FakeClock();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint, { clock, random: seededRandom(t.between(0, 1e9)) });
      const watches = Array.from({ length: 5 }, () => t.watch(store, { prefix: t.prefix }));
      await eventually(() => watches.every(({ batches }) => batches.length > 0), 'the watches stand');
      const before = t.log.count('not usable');
      proxy.refuse();
      while (clock.now() < 600_000) {
        await clock.advance(1000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      const dials = t.log.count('not usable') - before;
      t.measure('dials', dials);
      // Each delay lies between 2 s and 4 s once it has grown; all watches share the dialling.
      check(dials >= 1 && dials <= 310, `${dials} rounds of dialling in ten minutes`);
      proxy.release();
      const { revision } = await t.store(server.endpoints).put({ key: `${t.prefix}x`, value: '' });
      const back = (): boolean => watches.every(({ events }) => events.at(-1)?.kv.modRevision === revision);
      await eventually(async () => {
        await clock.advance(500);
        return back();
      }, 'all watches have the event');
    },
  },
  {
    id: 'F-5',
    title: 'etcd freezes for seconds: calls end at their deadline, and nothing is applied twice when it thaws',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const { revision } = await store.put({ key: `${t.prefix}start`, value: '' });
      const informer = t.informer(store, t.prefix);
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      await informer.whenSynced();
      const ledger = new Ledger(store, `${t.prefix}k/`);
      await ledger.burst(20, 4);
      server.pause();
      const frozenAt = performance.now();
      const timeoutMs = t.between(200, 800);
      await ledger.burst(16, 16, timeoutMs);
      const tookMs = performance.now() - frozenAt;
      check(tookMs < timeoutMs + 1500, `calls with ${timeoutMs} ms took ${Math.round(tookMs)} ms`);
      check(ledger.unknown.size > 0, 'no write was left unknown by a frozen server');
      await wait(Math.max(0, t.between(500, 3000) - tookMs));
      server.resume();
      await ledger.burst(20, 4, 10_000);
      await ledger.verify();
      await auditCache(informer, store);
      const last = (await store.put({ key: `${t.prefix}last`, value: '' })).revision;
      await watch.until(() => watch.events.at(-1)?.kv.modRevision === last);
      checkOrder(watch.events);
    },
  },
  {
    id: 'F-6',
    title:
      'etcd freezes for longer than a lease lives: renewals end at their deadline, and a lost lease guards nothing',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 1 });
      check(ttlSeconds >= 2, `etcd granted ${ttlSeconds} s; what was granted must be told`);
      const key = `${t.prefix}owner`;
      const { revision } = await store.put({ key, value: '', lease: id });
      server.pause();
      const askedAt = performance.now();
      await failure(store.leaseKeepAlive(id, { timeoutMs: 500 }), ['DeadlineExceeded'], 'a renewal');
      check(performance.now() - askedAt < 1500, 'a renewal went on after its deadline');
      await wait(ttlSeconds * 1000 + t.between(0, 1500));
      server.resume();
      const renewal = await store.leaseKeepAlive(id, { timeoutMs: 10_000 }).then(
        () => 'renewed',
        (error: { code: string }) => error.code,
      );
      check(['renewed', 'LeaseNotFound'].includes(renewal), `a renewal after the freeze: ${renewal}`);
      const guard = { key, target: 'create', operator: '=', operand: revision } as const;
      const write = await store.txn({ compares: [guard], then: [{ put: { key: `${t.prefix}work`, value: '' } }] });
      const owned = (await store.range({ key })).kvs.length === 1;
      check(
        !write.succeeded || renewal === 'renewed' || owned,
        'F1: a write was committed under a lease that was gone',
      );
      await store.leaseRevoke(id).catch(() => {});
      const late = await store.txn({ compares: [guard], then: [{ put: { key: `${t.prefix}late`, value: '' } }] });
      check(!late.succeeded, 'F1: a write was committed after the lease was revoked');
    },
  },
];
