import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError, type SetpointError } from 'setpoint';
import { systemClock } from 'setpoint/internal';
import { keyText, resolveOutcome } from 'setpoint/store';
import { check, failure } from './checks.ts';
import { Ledger } from './ledger.ts';
import { loseReplies, loseRepliesOfEtcd3 } from './lost-reply.ts';
import type { Row } from './row.ts';

/** Writes of which nobody says what became of them. */
export const rows: readonly Row[] = [
  {
    id: 'F-58',
    title: 'the reply to a create, update, delete, put and txn is lost after the commit: unknown, once, and found out',
    cycle: loseReplies,
    etcd3: loseRepliesOfEtcd3,
  },
  {
    id: 'F-59',
    title: 'a request is lost or late: "not applied" is only said once it can not arrive, or would be refused',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints, { combineWrites: false });
      const store = t.store(proxy.endpoint);
      const key = `${t.prefix}x`;
      const { revision: base } = await direct.put({ key, value: 'old' });
      await store.range({ key });
      proxy.hold('client');
      const compares = [{ key, target: 'mod', operator: '=', operand: base } as const];
      const write = store.txn({ compares, then: [{ put: { key, value: 'ours' } }] }, { timeoutMs: 100 });
      await failure(write, ['OutcomeUnknown'], 'a write that is held');
      const lost = { key, base, ours: 'ours' };
      const early = await resolveOutcome(direct, lost);
      check(early.state === 'unknown', `"${early.state}" was said of a write that may yet arrive`);
      const overtaken = t.random.next() < 0.5;
      if (overtaken) await direct.txn({ compares, then: [{ put: { key, value: 'other' } }] });
      const arrives = t.random.next() < 0.5;
      if (!arrives) proxy.cut();
      proxy.release();
      await store.range({ key });
      // What arrives does so on the connection that was held, which the read above may not have taken.
      await wait(50);
      const late = await resolveOutcome(direct, arrives || overtaken ? lost : { ...lost, cannotArrive: true });
      const [kv] = (await direct.range({ key })).kvs;
      const applied = new TextDecoder().decode(kv!.value) === 'ours';
      check(!(overtaken && applied), 'S1: a write was applied on another state than it required');
      if (applied) check(late.state === 'applied' && late.revision === kv!.modRevision, `told as ${late.state}`);
      else if (overtaken || !arrives) check(late.state === 'not-applied', `not applied, and told as ${late.state}`);
      else check(late.state === 'unknown', `"${late.state}" was said of a write that may yet arrive`);
    },
  },
  {
    id: 'F-60',
    title: 'deadlines are shorter than the way there and back: unknown, never a conflict, and never applied twice',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const ledger = new Ledger(store, `${t.prefix}k/`);
      await ledger.burst(2, 1);
      proxy.delay(() => t.between(3, 30));
      await ledger.burst(40, t.pick([1, 8]), t.between(1, 3));
      check(ledger.unknown.size > 0, 'no write was left unknown');
      proxy.delay(0);
      await wait(100);
      await ledger.verify();
    },
  },
  {
    id: 'F-61',
    title: 'etcd has too many requests: writes are sent again within a budget, and are known not to be applied',
    async cycle(t) {
      const server = await t.sharedEtcd();
      let refusals = 0;
      const proxy = await t.frameProxy(server.endpoints[0]!, {
        fate: ({ path }) =>
          /KV\/(?:Put|Txn)$/.test(path) && refusals-- > 0
            ? { type: 'answer', status: 8, message: 'etcdserver: too many requests' }
            : { type: 'pass' },
      });
      const store = t.store(proxy.endpoint);
      const ledger = new Ledger(store, `${t.prefix}k/`);
      await ledger.burst(2, 1);
      refusals = t.between(1, 4);
      await ledger.write(5000);
      check(ledger.acknowledged.size === 3, 'a write was given up that had time');
      refusals = Infinity;
      const sent = proxy.calls();
      const key = `${t.prefix}never`;
      const refused = (): Promise<SetpointError> =>
        failure(store.put({ key, value: '' }, { timeoutMs: 2000 }), ['TooManyRequests', 'OutcomeUnknown'], 'a put');
      let error = await refused();
      const tries = proxy.calls() - sent;
      t.measure('tries in 2 s', tries);
      check(tries > 1 && tries <= 40, `R1: ${tries} tries in 2 s`);
      // Time may be up just when it was sent once more, and then it can't know.
      for (let again = 0; again < 5 && error.code === 'OutcomeUnknown'; again++) error = await refused();
      check(error.code === 'TooManyRequests', `a write that is always refused ended as ${error.message}`);
      refusals = 0;
      const { kvs } = await store.range({ prefix: t.prefix });
      check(!kvs.some((kv) => keyText(kv.key).endsWith('never')), 'a write that was refused is there');
      await ledger.verify();
    },
  },
  {
    id: 'F-65',
    title: 'ten writers change one object again and again: no change is lost, and each gets through',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const key = `${t.prefix}counter`;
      const [writers, rounds] = [10, 10];
      const tries: number[] = [];
      await t.store(server.endpoints).put({ key, value: '0' });
      const increment = async (store: ReturnType<typeof t.store>): Promise<void> => {
        for (let attempt = 1; ; attempt++) {
          const kv = (await store.range({ key })).kvs[0]!;
          const value = String(Number(new TextDecoder().decode(kv.value)) + 1);
          const compares = [{ key, target: 'mod', operator: '=', operand: kv.modRevision } as const];
          const { succeeded } = await store.txn({ compares, then: [{ put: { key, value } }] });
          if (succeeded) return void tries.push(attempt);
          await wait(t.random.next() * Math.min(100, 5 * 2 ** attempt));
        }
      };
      await Promise.all(
        Array.from({ length: writers }, async () => {
          const store = t.store(server.endpoints);
          for (let round = 0; round < rounds; round++) await increment(store);
        }),
      );
      const value = new TextDecoder().decode((await t.store(server.endpoints).range({ key })).kvs[0]!.value);
      check(value === String(writers * rounds), `S1: ${writers * rounds} increments came to ${value}`);
      t.measure('tries', Math.max(...tries));
      check(Math.max(...tries) <= 60, `L1: a change took ${Math.max(...tries)} tries`);
    },
  },
  {
    id: 'F-67',
    title: 'the wall clock jumps by a year either way: calls, watches and leases do not notice',
    async cycle(t) {
      const server = await t.sharedEtcd();
      let yearsOff = 0;
      const clock = { ...systemClock, wallNow: () => Date.now() + yearsOff * 365 * 86_400_000 };
      const store = t.store(server.endpoints, { clock });
      const { revision } = await store.put({ key: `${t.prefix}start`, value: '' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 5 });
      const ledger = new Ledger(store, `${t.prefix}k/`);
      const stop = ledger.keepWriting(2);
      for (let jump = 0; jump < 6; jump++) {
        yearsOff = t.pick([-1, 0, 1]);
        await store.leaseKeepAlive(id);
        await wait(50);
      }
      await stop();
      check(ledger.refused.size + ledger.unknown.size === 0, 'a write failed because of the clock');
      await ledger.verify();
      const left = (await store.leaseTimeToLive(id)).ttlSeconds;
      check(left >= ttlSeconds - 2, `the lease has ${left} s left`);
      const last = await store.put({ key: `${t.prefix}last`, value: '' });
      await watch.until(() => watch.events.at(-1)?.kv.modRevision === last.revision);
      check(watch.connection.length === 1, `the watch broke: ${watch.connection.join(', ')}`);
      check(!isSetpointError(await Promise.race([watch.over, wait(0)])), 'the watch ended');
    },
  },
];
