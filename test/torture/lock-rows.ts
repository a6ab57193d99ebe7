import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError } from 'setpoint';
import { type FencingToken, type HeldLock, lock, raiseIncarnation, tryLock } from 'setpoint/coordination';
import type { Store } from 'setpoint/store';
import { check, eventually, failure } from './checks.ts';
import type { Cycle } from './cycle.ts';
import { lineOf, rootOf, session, settled } from './parties.ts';
import type { Row } from './row.ts';

const TXN = '/etcdserverpb.KV/Txn';

/** What locks can't guard by transactions: it remembers the largest token and refuses what comes with a smaller one. */
class OutsideSystem {
  #largest = 0n;

  accepts(token: FencingToken): boolean {
    if (token.valueOf() < this.#largest) return false;
    this.#largest = token.valueOf();
    return true;
  }
}

/** A lock whose parties, answers or keys get lost. */
export const rows: readonly Row[] = [
  {
    id: 'F-46',
    title:
      'a backup is restored and fencing tokens go backwards: outside systems refuse them, which is safe, until the incarnation is raised',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const outside = new OutsideSystem();
      const hold = async (store: Store): Promise<HeldLock> => lock(await session(t, store), 'l', { prefix: rootOf(t) });
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const before = await hold(store);
      check(outside.accepts(before.token), 'the first token was refused');
      await before.release();
      const restore = await server.snapshot();
      for (let i = t.between(1, 20); i > 0; i--) await store.put({ key: `${t.prefix}work`, value: `${i}` });
      const last = await hold(store);
      const watch = t.watch(store, { prefix: t.prefix });
      await watch.until(() => watch.batches.length > 0);
      check(outside.accepts(last.token), 'a later token was refused');
      proxy.refuse();
      await server.kill();
      await restore();
      await server.restart();
      proxy.release();
      await failure(
        last.store.put({ key: `${t.prefix}late`, value: '' }),
        ['LockLost', 'SessionExpired', 'HistoryReset', 'OutcomeUnknown'],
        'a write of a holder whose ownership is not in the backup',
      );
      await eventually(() => t.log.count('another history') === 1, 'the operator is told');
      const after = t.store(server.endpoints);
      const early = await hold(after);
      check(early.token < last.token, 'the token did not go backwards: the row shows nothing');
      check(!outside.accepts(early.token), 'an outside system took a token that is older than one it has seen');
      await early.release();
      await raiseIncarnation(after, { prefix: rootOf(t) });
      const raised = await hold(after);
      check(raised.token > last.token, 'the raised incarnation does not put tokens above all earlier ones');
      check(outside.accepts(raised.token), 'a token of the raised incarnation was refused');
      const absent = await after.range({ key: `${t.prefix}late` });
      check(absent.count === 0n, 'the late write is there');
    },
  },
  {
    id: 'F-74',
    title: 'a waiter dies in line: the one behind it moves up, nobody else wakes, and the holder stays',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const first = await lock(await session(t, store), 'l', { prefix: rootOf(t) });
      const dying = t.store(server.endpoints);
      const second = settled(lock(await session(t, dying, { ttlSeconds: 3 }), 'l', { prefix: rootOf(t) }));
      await eventually(async () => (await lineOf(store, rootOf(t))).length === 2, 'the second is in line');
      const third = settled(lock(await session(t, store), 'l', { prefix: rootOf(t) }));
      await eventually(async () => (await lineOf(store, rootOf(t))).length === 3, 'the third is in line');
      await wait(t.between(0, 100));
      await dying.close();
      await eventually(async () => (await lineOf(store, rootOf(t))).length === 2, 'the dead key goes', 10_000);
      check(first.held && !third.done, 'somebody else got the lock');
      await first.release();
      await eventually(() => third.value !== undefined, 'the third has it');
      check(second.done && second.value === undefined, 'the dead one got it');
    },
  },
  {
    id: 'F-76',
    title: 'the answer to a release is lost, and the same session locks again: the later lock stays',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      let armed = false;
      const then = t.pick(['silence', 'reset', 'cut'] as const);
      const proxy = await t.frameProxy(server.endpoints[0]!, {
        fate: ({ path }) => {
          if (!armed || path !== TXN) return { type: 'pass' };
          armed = false;
          return { type: 'drop reply', then };
        },
      });
      const own = await session(t, t.store(proxy.endpoint), { ttlSeconds: 9 });
      const first = await lock(own, 'l', { prefix: rootOf(t) });
      armed = true;
      await first.release();
      const second = await lock(own, 'l', { prefix: rootOf(t) });
      await wait(3300); // at least one renewal, which takes strays away
      check(second.held, 'the second lock was lost');
      check((await lineOf(direct, rootOf(t))).join() === second.key, 'its key is not what is there');
      await second.store.put({ key: `${t.prefix}work`, value: '' });
    },
  },
  {
    id: 'F-77',
    title: 'tryLock while another holds: an answer at once, with its name, and no key left',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const held = await lock(await session(t, store, { identity: 'ada' }), 'l', { prefix: rootOf(t) });
      const others = await Promise.all(Array.from({ length: 10 }, () => session(t, store)));
      const startedAt = performance.now();
      const tries = await Promise.all(others.map((own) => tryLock(own, 'l', { prefix: rootOf(t) })));
      t.measure('ten tries ms', performance.now() - startedAt);
      check(
        tries.every(({ lock: got, holder }) => !got && holder?.identity === 'ada'),
        'it was not said who has it',
      );
      check((await lineOf(store, rootOf(t))).join() === held.key, 'a try left a key');
      await held.release();
      const again = await Promise.all(others.map((own) => tryLock(own, 'l', { prefix: rootOf(t) })));
      check(again.filter((result) => result.lock).length <= 1, 'two got it');
      check((await lineOf(store, rootOf(t))).length <= 1, 'a failed try left a key');
    },
  },
  {
    id: 'F-78',
    title: 'the answer to an acquisition is lost: it is found by reading, and no second key stays',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      let armed = false;
      const fate = t.pick(['drop reply', 'drop request'] as const);
      const proxy = await t.frameProxy(server.endpoints[0]!, {
        fate: ({ path }) => {
          if (!armed || path !== TXN) return { type: 'pass' };
          armed = false;
          return fate === 'drop reply' ? { type: fate, then: t.pick(['reset', 'cut']) } : { type: fate };
        },
      });
      const own = await session(t, t.store(proxy.endpoint, { callTimeoutMs: 1000 }), { ttlSeconds: 9 });
      armed = true;
      const held = await lock(own, 'l', { prefix: rootOf(t), timeoutMs: 15_000 });
      check(held.held, 'it is not held');
      await held.store.put({ key: `${t.prefix}work`, value: '' });
      await eventually(async () => (await lineOf(direct, rootOf(t))).join() === held.key, 'one key is there', 8000);
    },
  },
  {
    id: 'F-79',
    title:
      'the holder is cut off: it stops by its own deadline before another holds, and what it wrote late is refused',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      await partitioned(t, {
        near: t.store(proxy.endpoint),
        far: t.store(server.endpoints),
        cut: () => proxy.hold('both'),
        heal: () => proxy.release(),
      });
    },
  },
  {
    id: 'F-79',
    title:
      "the holder's member of the cluster is cut off from the others: the same, and the others let the next one hold",
    async cycle(t) {
      const server = await t.sharedEtcd({ members: 3, partitions: true });
      const index = t.between(0, 2);
      await partitioned(t, {
        near: t.store(server.endpoints[index]!),
        far: t.store(server.endpoints.filter((_, other) => other !== index)),
        cut: () => server.isolate(index),
        heal: () => server.heal(),
      });
    },
  },
  {
    id: 'F-80',
    title: 'a lease is revoked between two writes of one piece of work: the second is refused',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const own = await session(t, store);
      const held = await lock(own, 'l', { prefix: rootOf(t) });
      await held.store.put({ key: `${t.prefix}one`, value: '' });
      await t.store(server.endpoints).leaseRevoke(own.id);
      const second = held.store.txn({ then: [{ put: { key: `${t.prefix}two`, value: '' } }] });
      await failure(second, ['LockLost'], 'F1: the second write');
      check(held.signal.aborted, 'the holder was not told');
      check((await store.range({ prefix: t.prefix })).count === 1n, 'F1: it was written');
    },
  },
  {
    id: 'F-83',
    title: 'somebody deletes the lock key by hand: the holder notices, writes are refused, the next one holds',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const held = await lock(await session(t, store), 'l', { prefix: rootOf(t) });
      await wait(t.between(0, 400));
      const next = lock(await session(t, store), 'l', { prefix: rootOf(t), timeoutMs: 10_000 });
      await server.etcdctl(['del', held.key]);
      await failure(held.store.put({ key: `${t.prefix}x`, value: '' }), ['LockLost'], 'F1: a write');
      await eventually(() => held.signal.aborted, 'the holder is told', 3000);
      check((await next).held, 'the next one does not hold');
    },
  },
  {
    id: 'F-84',
    title: 'foreign keys in the prefix, and a lock whose name begins alike: ignored, and said once',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      await store.put({ key: `${rootOf(t)}/locks/l/by-hand`, value: '' });
      await store.put({ key: `${rootOf(t)}/locks/l/1f-${'0'.repeat(12)}`, value: '' });
      const alike = await lock(await session(t, store), 'lx', { prefix: rootOf(t) });
      const held = await lock(await session(t, store), 'l', { prefix: rootOf(t), timeoutMs: 5000 });
      check(held.held && alike.held, 'a foreign key kept a lock from its holder');
      check(t.log.count('foreign key') === 2, `said ${t.log.count('foreign key')} times`);
      await checkWaits(t, held.key);
    },
  },
];

interface Partition {
  /** Where the holder is. */
  readonly near: Store;
  readonly far: Store;
  readonly cut: () => unknown;
  readonly heal: () => void;
}

async function partitioned(t: Cycle, { near, far, cut, heal }: Partition): Promise<void> {
  const old = await lock(await session(t, near, { ttlSeconds: 3 }), 'l', { prefix: rootOf(t) });
  let stoppedAt = Infinity;
  old.signal.addEventListener('abort', () => (stoppedAt = performance.now()));
  const next = lock(await session(t, far), 'l', { prefix: rootOf(t), timeoutMs: 30_000 });
  next.catch(() => {}); // awaited below
  await wait(t.between(0, 700));
  await cut();
  const cutAt = performance.now();
  const late = old.store.put({ key: `${t.prefix}late`, value: 'old' }).then(
    () => 'written',
    (error: unknown) => (isSetpointError(error) ? error.code : String(error)),
  );
  const held = await next;
  t.measure('successor after ms', performance.now() - cutAt);
  // The intent of the old one must be over by now; more than nothing would be an overlap.
  t.measure('overlap of intent ms', stoppedAt - performance.now());
  check(stoppedAt <= performance.now(), 'the old holder believed on when another held');
  await held.store.put({ key: `${t.prefix}new`, value: '' });
  heal();
  const told = await late;
  check(['OutcomeUnknown', 'LockLost', 'Closed', 'Unavailable'].includes(told), `told ${told}`);
  await failure(old.store.put({ key: `${t.prefix}x`, value: '' }), ['LockLost'], 'F1: a later write');
  await wait(200);
  const gone = t.watch(far, { key: old.key, startRevision: old.token.revision + 1n });
  await gone.until(() => gone.events.length > 0);
  const { kvs } = await far.range({ key: `${t.prefix}late` });
  const overAt = gone.events[0]!.kv.modRevision;
  check(kvs.length === 0 || kvs[0]!.modRevision < overAt, 'F1: the late write came after the old lock was over');
}

/** That the lock is one all the same. */
async function checkWaits(t: Cycle, key: string): Promise<void> {
  const store = t.store((await t.sharedEtcd()).endpoints);
  const { lock: second } = await tryLock(await session(t, store), 'l', { prefix: rootOf(t) });
  check(second === undefined, 'two hold one lock');
  check((await lineOf(store, `${rootOf(t)}/locks/l/`)).includes(key), 'its key is gone');
}
