/**
 * How fast does the etcd driver read, and beside whom? Three scenarios, each beside plain etcd3 and etcdctl (Go), in one
 * run: a list of 100,000 keys of 1 KiB; catching up with 50,000 events in 500 revisions; a live watch of 50,000 puts.
 *
 * Each measurement has a process of its own that does nothing else; contestants take turns, round after round, and
 * medians are compared as ratios. `--help` tells the options.
 */
import { etcdStore } from '@setpoint/etcd';
import type { Store } from 'setpoint/store';
import { commandLine, flag, oneOf, whole } from '../test/harness/command-line.ts';
import { reporting } from './report.ts';
import { type BenchEtcd, startBenchEtcd } from './store/bench-etcd.ts';
import { runTask, runWriter, type StoreMeasurement } from './store/measure.ts';
import { reportStore } from './store/store-report.ts';
import { type ContestantName, type Figures, stampedValue, type Task } from './store/task.ts';

const options = commandLine({
  run: 'npm run bench -- store',
  about: 'How the etcd driver lists, catches up and watches, beside etcd3 and etcdctl.',
  options: {
    short: flag('less of everything, to see that it works'),
    rounds: whole('of each scenario, in turns (default 7; short: 2)', { min: 1 }),
    rate: whole('puts a second of the live watch; two cores can keep up with 2000', { default: 2000, min: 1 }),
    only: oneOf(['list', 'catchUp', 'live'], 'one scenario'),
    ...reporting,
  },
});

const size = options.short
  ? { rounds: 2, keys: 20_000, events: 20_000, revisions: 200, puts: 5000 }
  : { rounds: 7, keys: 100_000, events: 50_000, revisions: 500, puts: 50_000 };
const rounds = options.rounds ?? size.rounds;
/** So many puts share a transaction where only their number matters; etcd takes 128. */
const PUTS_PER_TXN = 100;
const LIST_VALUE_BYTES = 1024;
const EVENT_VALUE_BYTES = 512;

const etcd = await startBenchEtcd(new URL('../../', import.meta.url));
const store = etcdStore({ endpoints: etcd.endpoint, callTimeoutMs: 60_000 });
try {
  const measurements = [];
  for (const scenario of [list, catchUp, live]) {
    if (options.only === undefined || options.only === scenario.name) measurements.push(...(await scenario()));
  }
  reportStore(measurements, { gate: options.gate, json: options.json, etcd: etcd.version });
} finally {
  await store.close();
  await etcd.dispose();
}

async function list(): Promise<StoreMeasurement[]> {
  const names = ['setpoint', 'etcd3', 'etcd3, one call', 'etcdctl'] as const;
  await write(store, '/list/', size.keys, LIST_VALUE_BYTES);
  return inTurns('list', names, size.keys, (contestant) => runTask(task(etcd, contestant, 'list', size.keys)));
}

async function catchUp(): Promise<StoreMeasurement[]> {
  const names = ['setpoint', 'setpoint, no fragments', 'etcd3', 'etcdctl'] as const;
  const startRevision = await nextRevision();
  await write(store, '/catch-up/', size.events, EVENT_VALUE_BYTES, size.events / size.revisions);
  return inTurns('catch-up', names, size.events, (contestant) =>
    runTask({ ...task(etcd, contestant, 'catch-up', size.events), startRevision }),
  );
}

async function live(): Promise<StoreMeasurement[]> {
  const names = ['setpoint', 'etcd3', 'etcdctl'] as const;
  const writer = { endpoint: etcd.endpoint, prefix: '/live/', count: size.puts, valueBytes: EVENT_VALUE_BYTES };
  const perSecond = options.rate;
  return inTurns('live', names, size.puts, async (contestant) => {
    const startRevision = await nextRevision();
    const measured = runTask({ ...task(etcd, contestant, 'live', size.puts), startRevision });
    const [figures] = await Promise.all([measured, runWriter({ ...writer, perSecond })]);
    return figures;
  });
}

/** Every contestant once in every round, so that all meet the machine's quiet and busy moments. */
async function inTurns(
  scenario: string,
  names: readonly ContestantName[],
  count: number,
  once: (contestant: ContestantName) => Promise<Figures>,
): Promise<StoreMeasurement[]> {
  const measurements = names.map((contestant) => ({ scenario, contestant, count, rounds: [] as Figures[] }));
  for (let round = 0; round < rounds; round++) {
    for (const measurement of measurements) measurement.rounds.push(await once(measurement.contestant));
  }
  return measurements;
}

function task({ endpoint, etcdctl }: BenchEtcd, contestant: ContestantName, what: Task['what'], count: number): Task {
  return { contestant, what, endpoint, etcdctl, prefix: `/${what}/`, count, startRevision: '0' };
}

async function nextRevision(): Promise<string> {
  return String((await store.range({ key: 'nothing' })).revision + 1n);
}

async function write(to: Store, prefix: string, count: number, bytes: number, perTxn = PUTS_PER_TXN): Promise<void> {
  for (let from = 0; from < count; from += perTxn) {
    const keys = Array.from({ length: Math.min(perTxn, count - from) }, (_, at) => from + at);
    const then = keys.map((at) => ({
      put: { key: prefix + String(at).padStart(8, '0'), value: stampedValue(bytes) },
    }));
    await to.txn({ then });
  }
}
