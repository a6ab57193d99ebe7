import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { check, eventually } from './checks.ts';
import { startJobProgram } from './job-program.ts';
import { ground } from './parties.ts';
import type { Row } from './row.ts';
import { createJobs, Job } from './started-manager.ts';

/** Wall clocks that jump, before anything is loaded: by an hour ahead, back, and so on, every 40 ms. */
const JUMPING = `
  const Real = Date;
  let offset = 0;
  globalThis.Date = class extends Real {
    constructor(...time) {
      if (time.length > 0) super(...time);
      else super(Real.now() + offset);
    }
    static now() {
      return Real.now() + offset;
    }
  };
  setInterval(() => (offset = offset > 0 ? -3_600_000 : 3_600_000), 40).unref();
`;

/** The lines of numbers that a job program printed after `word`. */
function numbersAfter(output: string, word: string): readonly number[] {
  const line = output.split('\n').find((each) => each.startsWith(`${word} `));
  check(line !== undefined, `it said nothing of ${word}: ${output.slice(-1000)}`);
  return JSON.parse(line.slice(word.length + 1)) as number[];
}

const gapsOf = (times: readonly number[]): readonly number[] => times.slice(1).map((time, at) => time - times[at]!);

/** What a thread of its own does: it follows the prefix, says what it sees, and tries to use what it was sent. */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  (async () => {
    const { createInformer, createManager, isSetpointError } = await import('setpoint');
    const { textCodec } = await import('setpoint/resource');
    const { etcdStore } = await import('@setpoint/etcd');
    const store = etcdStore({ endpoints: workerData.endpoint });
    const informer = createInformer({ store, prefix: workerData.prefix, codec: textCodec });
    informer.addEventHandler({ add: (object, { key }) => parentPort.postMessage({ saw: key }) });
    informer.run(new AbortController().signal);
    await informer.whenSynced();
    parentPort.on('message', async ({ write, sent }) => {
      if (write) await store.put({ key: write, value: 'from the thread' });
      if (!sent) return;
      const refused = [
        () => createInformer({ store: sent, prefix: workerData.prefix, codec: textCodec }),
        () => createManager({ store: sent }),
      ].map((make) => {
        try {
          make();
          return 'nothing';
        } catch (error) {
          return isSetpointError(error) ? error.code : String(error);
        }
      });
      parentPort.postMessage({ refused });
    });
    parentPort.postMessage({ ready: true });
  })();
`;

interface Said {
  readonly ready?: true;
  readonly saw?: string;
  readonly refused?: readonly string[];
}

/** The process and the runtime that the library lives in. */
export const rows: readonly Row[] = [
  {
    id: 'F-89',
    title:
      'a leader starves for seconds, its event loop blocked at low priority: it is named, loses nothing, and goes on',
    async cycle(t) {
      const { server, client } = await ground(t);
      const blockMs = t.between(800, 2000);
      await createJobs(client, ['busy'], `block ${blockMs}`);
      const program = startJobProgram(t, server.endpoints[0]!, { elect: {} });
      await program.says('blocked for');
      await createJobs(client, ['after']);
      const done = async (name: string): Promise<boolean> =>
        (await client.resource(Job).get(`default/${name}`)).status !== undefined;
      await eventually(
        async () => (await done('busy')) && (await done('after')),
        'both are done, by the same leader',
        30_000,
      );
      check(program.running, `it ended: ${program.output.slice(-1000)}`);
      check(
        !/LockLost|lost its lead|SessionExpired/.test(program.output),
        `it took itself for lost: ${program.output.slice(-1000)}`,
      );
      const line = program.output.split('\n').find((each) => each.includes('event loop'));
      check(line?.includes('default/busy') === true, `the stall is not told with its key: ${line}`);
    },
  },
  {
    id: 'F-93',
    title:
      'the wall clock jumps by an hour ahead and back all the time: leases, back-off and requeues go by time that passed',
    async cycle(t) {
      const { server, store, prefix, client } = await ground(t);
      const [fails, agains] = [t.between(3, 5), t.between(2, 4)];
      await createJobs(client, ['failing'], `fail ${fails}`);
      await createJobs(client, ['again'], `again ${agains}`);
      const flags = ['--import', `data:text/javascript,${encodeURIComponent(JUMPING)}`];
      const elect = { leaseDurationMs: 4000, renewDeadlineMs: 3000, retryPeriodMs: 500 };
      const program = startJobProgram(t, server.endpoints[0]!, { flags, elect });
      await program.says('attempts ');
      await program.says('requeues ');
      const leadsSince = performance.now();
      gapsOf(numbersAfter(program.output, 'attempts')).forEach((gap, at) => {
        check(
          gap > 5 * 2 ** at - 2 && gap < 5 * 2 ** at + 3000,
          `attempt ${at + 2} came ${gap} ms after the one before`,
        );
      });
      for (const gap of gapsOf(numbersAfter(program.output, 'requeues'))) {
        check(gap > 98 && gap < 3100, `a run after 100 ms came after ${gap} ms`);
      }
      const [key] = (await store.range({ prefix: `${prefix}/_coordination/elections/` })).kvs;
      check(key !== undefined, 'nobody leads');
      await wait(1600);
      // Of four seconds more than three are left only of a lease that was renewed meanwhile.
      const renewed = async (): Promise<boolean> => (await store.leaseTimeToLive(key.lease)).ttlSeconds >= 3;
      await eventually(renewed, `the lease is renewed, ${Math.round(performance.now() - leadsSince)} ms later`, 3000);
      check(program.running, `it ended: ${program.output.slice(-1000)}`);
      await createJobs(client, ['after']);
      await eventually(
        async () => (await client.resource(Job).get('default/after')).status !== undefined,
        'it still leads',
      );
    },
  },
  {
    id: 'F-94',
    title:
      'a thread has a client of its own: both see the same; a store that was sent to it is refused; its end harms nobody',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const informer = t.informer(store, t.prefix);
      await informer.whenSynced();
      const worker = new Worker(THREAD, {
        eval: true,
        workerData: { endpoint: server.endpoints[0], prefix: t.prefix },
      });
      t.defer(() => worker.terminate());
      const saw = new Set<string>();
      let [ready, refused, broke] = [false, undefined as readonly string[] | undefined, undefined as unknown];
      worker.on('error', (error) => (broke = error));
      worker.on('message', (said: Said) => {
        if (said.ready) ready = true;
        if (said.saw !== undefined) saw.add(said.saw);
        if (said.refused) ({ refused } = said);
      });
      const holds = (): boolean => {
        check(broke === undefined, `the thread broke: ${String(broke)}`);
        return ready;
      };
      await eventually(holds, 'the thread is ready', 60_000);
      const ours = Array.from({ length: t.between(1, 10) }, (_, at) => `ours-${at}`);
      for (const name of ours) await store.put({ key: `${t.prefix}${name}`, value: 'x' });
      worker.postMessage({ write: `${t.prefix}theirs` });
      await eventually(
        () => saw.size === ours.length + 1 && informer.lister.has('theirs'),
        'both have seen everything',
      );
      let thrown: unknown;
      try {
        worker.postMessage({ sent: store });
      } catch (error) {
        thrown = error;
      }
      if (thrown === undefined) {
        await eventually(() => refused !== undefined, 'the thread has tried');
        check(
          refused!.every((code) => code === 'Invalid'),
          `a store that was sent to a thread: ${refused!.join()}`,
        );
      } else check((thrown as Error).name === 'DataCloneError', `sending a store: ${(thrown as Error).message}`);
      if (t.random.next() < 0.5) worker.postMessage({ write: `${t.prefix}theirs` });
      await worker.terminate();
      const { revision } = await store.put({ key: `${t.prefix}last`, value: 'x' });
      await informer.waitFor(revision, { timeoutMs: 15_000 });
      check(informer.counts.lists === 1, `the informer listed ${informer.counts.lists} times`);
    },
  },
];
