import { setTimeout as wait } from 'node:timers/promises';
import { defineController } from 'setpoint';
import { createInformer, type Informer, type InformerFailure } from 'setpoint/informer';
import { jsonCodec, textCodec } from 'setpoint/resource';
import type { Store } from 'setpoint/store';
import { heapUsed } from '../harness/heap-used.ts';
import { check, eventually } from './checks.ts';
import type { Cycle } from './cycle.ts';
import type { Row } from './row.ts';
import { allDone, createJobs, Job, startManager } from './started-manager.ts';

/** An informer of JSON that logs where the stores do. */
function jsonInformer(t: Cycle, store: Store): Informer<unknown> {
  return t.run(
    createInformer<unknown>({ store, prefix: t.prefix, codec: jsonCodec, massDelete: false, logger: t.log }),
  );
}

const json = (size: number): string => JSON.stringify({ spec: { size } });

/** What nobody caught in this process, from now on until the cycle is over. */
function uncaught(t: Cycle): readonly unknown[] {
  const found: unknown[] = [];
  const note = (error: unknown): void => void found.push(error);
  for (const event of ['unhandledRejection', 'uncaughtExceptionMonitor'] as const) {
    process.on(event, note);
    t.defer(() => process.off(event, note));
  }
  return found;
}

/** Handlers, listeners, predicates, mappers and indexes that misbehave. */
export const rows: readonly Row[] = [
  {
    id: 'F-91',
    title:
      'handlers, listeners and reconciles reject later: each is told with whose it was and its key, and nothing is left unhandled',
    async cycle(t) {
      const left = uncaught(t);
      const delays = Array.from({ length: 5 }, () => t.between(0, 20));
      const refused = new Set<string>();
      const jobs = defineController(Job, {
        async reconcile({ object, status }) {
          const { name } = object.metadata;
          if (!refused.has(name)) {
            refused.add(name);
            await wait(delays[0]);
            throw new Error(`a reconcile of ${name} rejects`);
          }
          await status({ text: object.spec.text });
        },
      });
      const { manager, client, reports } = await startManager(t, { controllers: [jobs] });
      const informer = manager.informer(Job);
      const told: InformerFailure[] = [];
      informer.on('error', (failure) => void told.push(failure));
      informer.on('add', () => wait(delays[1]).then(() => Promise.reject(new Error('a listener rejects'))));
      manager
        .controller('jobs')
        .on('reconciled', () => wait(delays[2]).then(() => Promise.reject(new Error('another rejects'))));
      informer.addEventHandler(
        {
          add: (_, { key }) => wait(delays[3]).then(() => Promise.reject(new Error(`a handler rejects at ${key}`))),
          update: () => Promise.reject(new Error('a handler rejects')),
        },
        { name: 'rejecting' },
      );
      const seen = new Set<string>();
      informer.addEventHandler({ add: (_, { key }) => void seen.add(key) });
      const names = Array.from({ length: t.between(3, 6) }, (_, at) => `job-${at}`);
      await createJobs(client, names);
      await eventually(() => allDone(manager, names) && seen.size === names.length, 'everybody else goes on');
      const byHandler = (key: string): boolean =>
        told.some((failure) => failure.during === 'handler' && failure.handler === 'rejecting' && failure.key === key);
      await eventually(() => names.every((name) => byHandler(`default/${name}`)), 'the handler is named with each key');
      await eventually(() => informer.counts.listenerErrors >= names.length, 'the listener is counted with each');
      await eventually(() => t.log.count('a listener failed') > 0, 'the listener of the controller is told of');
      for (const name of names) {
        const failures = reports.filter(({ key, outcome }) => key === `default/${name}` && outcome.type === 'error');
        check(failures.length === 1, `${failures.length} failures of ${name} were told`);
      }
      await wait(30);
      check(left.length === 0, () => `P1: nobody handled ${String(left[0])}`);
    },
  },
  {
    id: 'F-92',
    title:
      'handlers throw, values are poison and connections break, and nobody listens for errors: nothing is thrown, all is logged',
    async cycle(t) {
      const left = uncaught(t);
      const server = await t.sharedEtcd();
      const direct = t.store(server.endpoints);
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const informer = jsonInformer(t, t.store(proxy.endpoint));
      const angry = (): never => {
        throw new Error('on purpose');
      };
      informer.addEventHandler({ add: angry, update: angry, delete: angry });
      informer.addIndex('angry', angry);
      informer.on('synced', angry);
      await informer.whenSynced();
      let revision = 0n;
      for (let at = 0, times = t.between(5, 15); at < times; at++) {
        const value = t.random.next() < 0.3 ? '{"cut' : json(at);
        ({ revision } = await direct.put({ key: `${t.prefix}${at % 4}`, value }));
        if (t.random.next() < 0.3) proxy.cut();
      }
      await direct.put({ key: `${t.prefix}poison`, value: '{"cut' });
      proxy.refuse();
      await wait(t.between(0, 100));
      ({ revision } = await direct.put({ key: `${t.prefix}last`, value: json(1) }));
      proxy.release();
      await informer.waitFor(revision, { timeoutMs: 15_000 });
      await eventually(() => t.log.count('lives on after a failure in handler') > 0, 'the handler is logged');
      check(t.log.count('lives on after a failure in index') > 0, 'the index is not logged');
      check(t.log.count('can not be read') > 0, 'the poison is not logged');
      check(t.log.count('not usable') + t.log.count('lost its stream') > 0, 'the connection is not logged');
      check(informer.lister.has('last') && informer.hasSynced, 'the informer did not go on');
      check(left.length === 0, () => `P1: thrown at nobody: ${String(left[0])}`);
    },
  },
  {
    id: 'F-100',
    title:
      'a handler is blocked while 100 MB of changes go by: as many wait as there are keys, memory stays, the newest is told',
    exclusive: true,
    async cycle(t) {
      const [keys, rounds, size] = [64, 100, 16_384];
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const informer = createInformer<string>({ store, prefix: t.prefix, codec: textCodec });
      const life = new AbortController();
      const running = informer.run(life.signal);
      t.defer(() => {
        life.abort();
        return running;
      });
      await informer.whenSynced();
      let [release, calls] = [(): void => {}, 0];
      const blocked = new Promise<void>((resolve) => (release = resolve));
      const told = new Map<string, string>();
      const note = (object: string, key: string): Promise<void> => {
        calls++;
        told.set(key, object.slice(0, 8));
        return blocked;
      };
      const registration = informer.addEventHandler({
        add: (object, { key }) => note(object, key),
        update: (_, object, { key }) => note(object, key),
      });
      let [before, most, revision] = [0, 0, 0n];
      const stampOf = (round: number): string => String(round).padStart(8, '0');
      for (let round = 0; round < rounds; round++) {
        const value = stampOf(round).padEnd(size, 'x');
        const then = Array.from({ length: keys }, (_, at) => ({ put: { key: `${t.prefix}${at}`, value } }));
        ({ revision } = await store.txn({ then }, { timeoutMs: 15_000 }));
        if (round === 1) before = heapUsed();
        most = Math.max(most, registration.pending);
      }
      await informer.waitFor(revision, { timeoutMs: 15_000 });
      most = Math.max(most, registration.pending);
      const grown = heapUsed() - before;
      t.measure('heap grown, MB', grown / 1e6);
      check(most > 0 && most <= keys, `Q1: changes of ${most} keys waited, of ${keys}`);
      check(grown < 64e6, `M1: the heap grew by ${Math.round(grown / 1e6)} MB`);
      release();
      const newest = stampOf(rounds - 1);
      await eventually(
        () => told.size === keys && [...told.values()].every((stamp) => stamp === newest),
        () => `the newest of every key is told; ${told.size} keys were`,
      );
      check(calls <= 2 * keys + 1, `the handler was called ${calls} times for ${keys} keys`);
      await store.delete({ prefix: t.prefix });
      await store.compact(revision, { timeoutMs: 15_000 });
    },
  },
];
