import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError } from 'setpoint';
import { lock, openSession } from 'setpoint/coordination';
import { check, eventually, failure } from './checks.ts';
import type { Cycle } from './cycle.ts';
import { FrozenClock } from './frozen-clock.ts';
import { lineOf, rootOf, session, settled } from './parties.ts';
import type { Row } from './row.ts';

/** A session that stalls, is cut off, or is taken away. */
export const rows: readonly Row[] = [
  {
    id: 'F-68',
    title:
      'a holder stalls for longer than its lease lives: its next write is refused, and it knows before that returns',
    cycle: (t) => stalledHolder(t, 'before the write'),
  },
  {
    id: 'F-69',
    title: 'a holder is stopped and goes on when another holds: the first thing it does is to look at its deadline',
    cycle: (t) => stalledHolder(t, 'after the successor'),
  },
  {
    id: 'F-70',
    title: 'renewals pass and their answers do not: the session gives itself up before the server would',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const own = await session(t, t.store(proxy.endpoint), { ttlSeconds: 3 });
      await wait(t.between(0, 1200));
      const before = own.renewedAt;
      proxy.hold('server');
      await eventually(() => own.signal.aborted, 'the session gives itself up', 10_000);
      const { ttlSeconds } = await direct.leaseTimeToLive(own.id);
      t.measure('kept for ms', performance.now() - before);
      check(ttlSeconds >= 0, 'the server had let the lease go before the session gave itself up');
      check(isSetpointError(own.signal.reason, 'SessionExpired'), 'lost for another reason');
    },
  },
  {
    id: 'F-71',
    title:
      'a lease is revoked while it is renewed, whatever the renewal is told: the key is watched, and the guard decides',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      const own = await session(t, t.store(server.endpoints), { renewEveryMs: 20 });
      const held = await lock(own, 'l', { prefix: rootOf(t) });
      await wait(t.between(250, 400));
      await direct.leaseRevoke(own.id);
      const write = held.store.put({ key: `${t.prefix}late`, value: '' });
      // The watch may be faster than the write's answer, which is then given up.
      await failure(write, ['LockLost', 'OutcomeUnknown'], 'F1: a write after the lease was revoked');
      await eventually(() => held.signal.aborted, 'the holder is told');
      await failure(held.store.put({ key: `${t.prefix}later`, value: '' }), ['LockLost'], 'F1: the write after that');
      check((await direct.range({ prefix: t.prefix })).count === 0n, 'F1: it was written');
    },
  },
  {
    id: 'F-72',
    title: 'an operator revokes a lease: the holder is told within a moment, and a new session takes its place',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const own = await session(t, store);
      const held = await lock(own, 'l', { prefix: rootOf(t) });
      await wait(300);
      const revokedAt = performance.now();
      await server.etcdctl(['lease', 'revoke', own.id.toString(16)]);
      await eventually(() => held.signal.aborted, 'the holder is told', 3000);
      t.measure('told after ms', performance.now() - revokedAt);
      const next = await lock(await session(t, store), 'l', { prefix: rootOf(t), timeoutMs: 5000 });
      check(next.held && next.token > held.token, 'the next holder has no larger token');
    },
  },
  {
    id: 'F-73',
    title: "a TTL below the server's minimum: what was granted counts, and it is said once",
    async cycle(t) {
      const server = await t.sharedEtcd();
      const own = await session(t, t.store(server.endpoints), { ttlSeconds: 1 });
      check(own.ttlSeconds >= 2, `etcd granted ${own.ttlSeconds} s`);
      const withinMs = Math.round(own.deadline - own.renewedAt);
      check(withinMs === own.ttlSeconds * 1000 - 500, `it counts with ${withinMs} ms`);
      check(t.log.count('below the store') === 1, 'it was not said once');
    },
  },
  {
    id: 'F-75',
    title: 'a waiter whose own lease runs out while it is stopped gets SessionExpired, and never the lock',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const first = await lock(await session(t, store), 'l', { prefix: rootOf(t) });
      const clock = new FrozenClock();
      const waiting = settled(lock(await session(t, store, { clock, ttlSeconds: 3 }), 'l', { prefix: rootOf(t) }));
      await eventually(async () => (await lineOf(store, rootOf(t))).length === 2, 'both are in line');
      clock.freeze();
      await wait(t.between(2600, 4500));
      await first.release();
      await wait(t.between(0, 200));
      clock.thaw();
      await eventually(() => waiting.done, 'the waiter is told');
      check(waiting.value === undefined, 'a waiter without a lease got the lock');
      check(isSetpointError(waiting.error, 'SessionExpired'), () => `it was told ${String(waiting.error)}`);
    },
  },
  {
    id: 'F-85',
    title: 'a process that crashes in a loop leaves one lease for each crash, and none for longer than its TTL',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      for (let crash = 0; crash < 15; crash++) {
        const store = t.store(server.endpoints);
        const lost = await openSession({ store, ttlSeconds: 4 });
        await lock(lost, `l${crash}`, { prefix: rootOf(t) });
        await store.close();
      }
      const left = (await direct.leases()).length;
      t.measure('leases left', left);
      check(left <= 15, `${left} leases after 15 crashes`);
      await eventually(async () => (await direct.leases()).length === 0, 'all leases run out', 15_000);
      check((await lineOf(direct, rootOf(t))).length === 0, 'keys outlived their leases');
    },
  },
];

async function stalledHolder(t: Cycle, wakes: 'before the write' | 'after the successor'): Promise<void> {
  const server = await t.sharedEtcd();
  const store = t.store(server.endpoints);
  const clock = new FrozenClock();
  const own = await session(t, store, { clock, ttlSeconds: 3 });
  const held = await lock(own, 'l', { prefix: rootOf(t) });
  const key = `${t.prefix}work`;
  await held.store.put({ key, value: 'first' });
  clock.freeze();
  const asleepAt = performance.now();
  if (wakes === 'before the write') await wait(t.between(2550, 4500));
  const successor = await lock(await session(t, store), 'l', { prefix: rootOf(t), timeoutMs: 15_000 });
  t.measure('successor after ms', performance.now() - asleepAt);
  await successor.store.put({ key, value: 'second' });
  if (wakes === 'before the write') clock.thaw();
  await failure(held.store.put({ key, value: 'late' }), ['LockLost'], 'F1: the write of a holder that stalled');
  check(held.signal.aborted, 'the call returned before the holder was told');
  clock.thaw();
  check(!held.held, 'it holds again');
  const { kvs } = await store.range({ key });
  check(new TextDecoder().decode(kvs[0]!.value) === 'second', 'F1: the late write was carried out');
}
