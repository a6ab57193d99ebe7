import { setTimeout as wait } from 'node:timers/promises';
import { createManager, defineController, defineResource, isSetpointError } from 'setpoint';
import { campaign } from 'setpoint/coordination';
import { keyText } from 'setpoint/store';
import { z } from 'zod';
import { check, eventually } from './checks.ts';
import { lineOf, rootOf, session } from './parties.ts';
import type { Row } from './row.ts';

const Job = defineResource({
  group: 'torture.dev',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  spec: z.object({}),
  status: z.object({ done: z.boolean() }),
});

const TIMES = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 500 };

/** A leader, as the manager has one. */
export const rows: readonly Row[] = [
  {
    id: 'F-81',
    title: 'a reconcile ignores that leadership is lost: the manager ends, and whatever it writes later is refused',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const prefix = `/torture-${t.number}`;
      let go = (): void => {};
      const resumed = new Promise<void>((resolve) => (go = resolve));
      let [late, began] = ['', false];
      const controller = defineController(Job, {
        async reconcile({ status }) {
          began = true;
          await resumed; // deaf to its signal
          await status({ done: true }).catch((error: { code: string }) => (late = error.code));
        },
      });
      const manager = createManager({
        store,
        prefix,
        controllers: [controller],
        leaderElection: { name: 'torture', ...TIMES },
        gracefulTimeoutMs: 500,
        logger: t.log,
      });
      await manager.unsafeClient.resource(Job).create({ name: 'one', spec: {} });
      const run = manager.run(new AbortController().signal).catch((error: unknown) => error);
      await eventually(() => began, 'the reconcile has begun');
      const leader = (await store.range({ prefix: `${prefix}/_coordination/elections/` })).kvs[0]!;
      await t.store(server.endpoints).leaseRevoke(leader.lease);
      check(isSetpointError(await run, 'LockLost'), 'the manager did not end with LockLost');
      go();
      await eventually(() => late !== '', 'the late write has failed');
      check(['LockLost', 'Closed'].includes(late), `F1: the late write: ${late}`);
      check((await manager.client.resource(Job).get('default/one')).status === undefined, 'F1: it was written');
    },
  },
  {
    id: 'F-82',
    title: 'a storm of 100 candidates: one leads, each has one key, and stands with no more than two transactions',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.frameProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const direct = t.store(server.endpoints);
      const prefix = rootOf(t);
      const candidates = await Promise.all(Array.from({ length: 100 }, () => session(t, store, { ttlSeconds: 30 })));
      let leading = 0;
      const terms = candidates.map(async (own) => {
        const term = await campaign(own, 'e', { prefix, timeoutMs: 60_000 });
        leading++;
        return term;
      });
      for (const term of terms) term.catch(() => {}); // most are never reached: the cycle closes their sessions
      await eventually(async () => (await lineOf(direct, prefix)).length === 100, 'all are in line', 30_000);
      await eventually(() => leading === 1, 'one leads');
      const left = (await lineOf(direct, prefix)).slice(0, 10);
      for (const key of left) {
        await eventually(async () => {
          const owner = candidates.findIndex((own) => key.includes(`/${BigInt.asUintN(64, own.id).toString(16)}-`));
          await (await terms[owner]!).resign();
          return true;
        }, 'the next one leads');
      }
      await eventually(() => leading === 11, 'the eleventh leads');
      const transactions = proxy.calls('/etcdserverpb.KV/Txn');
      t.measure('transactions', transactions);
      // Each stood; ten that followed asked once more; ten resigned.
      check(transactions <= 100 + 11 + 10 + 5, `${transactions} transactions`);
      for (const own of candidates) void own.close();
    },
  },
  {
    id: 'F-86',
    title: 'a leader is stopped with work in flight: it gives its lease back after that has ended, and the next leads',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const prefix = `/torture-${t.number}`;
      let finishedAt = 0;
      const events: string[] = [];
      const controllerOf = (who: string) =>
        defineController(Job, {
          async reconcile({ status, object }) {
            events.push(`${who} begins`);
            if (who === 'a') await wait(t.between(300, 900));
            if (!object.status?.done) await status({ done: true }).catch(() => events.push(`${who} was refused`));
            if (who === 'a') finishedAt = performance.now();
            events.push(`${who} ends`);
          },
        });
      const start = (who: string) => {
        const manager = createManager({
          store,
          prefix,
          controllers: [controllerOf(who)],
          leaderElection: { name: 'torture', identity: who, ...TIMES },
          logger: t.log,
        });
        const abort = new AbortController();
        const run = manager.run(abort.signal);
        run.catch(() => {});
        t.defer(() => (abort.abort(), run.catch(() => {})));
        return { manager, abort, run };
      };
      const a = start('a');
      await a.manager.unsafeClient.resource(Job).create({ name: 'one', spec: {} });
      await eventually(() => events.includes('a begins'), 'a works');
      const b = start('b');
      await b.manager.whenReady();
      const [key] = (await store.range({ prefix: `${prefix}/_coordination/elections/` })).kvs;
      a.abort.abort();
      await a.run;
      check(events.includes('a ends'), 'it stopped before its work had ended');
      await eventually(() => events.includes('b begins'), 'b works');
      t.measure('successor after ms', performance.now() - finishedAt);
      check(events.indexOf('b begins') > events.indexOf('a ends'), 'the next began before the last had ended');
      check((await store.range({ key: keyText(key!.key) })).count === 0n, 'the old key is still there');
    },
  },
];
