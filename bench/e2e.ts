/**
 * From created to reconciled, all the way: objects of 1 KiB, created by another process on a real etcd, each answered
 * by one conditional status write. Setpoint with its defaults beside the same job hand-written on plain etcd3, in one
 * run: each measurement has a process of its own, contestants take turns, medians are compared.
 *
 * `--help` tells the options.
 */
import { etcdStore } from '@setpoint/etcd';
import { commandLine, list, oneOf, whole } from '../test/harness/command-line.ts';
import { type Measured, type Mode, modes } from './e2e/aims.ts';
import { reportE2e } from './e2e/e2e-report.ts';
import { type ContestantName, contestants, type Figures, widgetsPrefix } from './e2e/job.ts';
import { runController, runCreator } from './e2e/run.ts';
import { reporting } from './report.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';

const options = commandLine({
  run: 'npm run bench -- e2e',
  about: 'How fast objects are reconciled on a real etcd, beside the same job written on plain etcd3.',
  options: {
    rounds: whole('of each measurement, in turns', { default: 3, min: 1 }),
    count: whole('objects of each', { default: 10_000, min: 1 }),
    workers: list(whole('reconciles at a time', { min: 1 }), [1, 10, 64, 256]),
    mode: list(oneOf(modes, 'objects are there before, made while it runs, or 1,000 a second'), modes),
    contestants: list(oneOf(contestants, 'who does the job'), contestants),
    ...reporting,
  },
});
const { count, rounds } = options;
const PACED = { workers: 64, perSecond: 1000 };

const etcd = await startBenchEtcd(new URL('../../', import.meta.url), { fsync: true });
const store = etcdStore({ endpoints: etcd.endpoint, callTimeoutMs: 60_000 });
let runs = 0;
try {
  const measured: Measured[] = [];
  for (const mode of options.mode) {
    const pools = mode === 'paced' ? [PACED.workers] : options.workers;
    for (const workers of pools) measured.push(...(await inTurns(mode, workers)));
  }
  reportE2e(measured, { gate: options.gate, json: options.json, etcd: etcd.version });
} finally {
  await store.close();
  await etcd.dispose();
}

/** Every contestant once in every round, so that all meet the machine's quiet and busy moments. */
async function inTurns(mode: Mode, workers: number): Promise<Measured[]> {
  const measured = options.contestants.map((contestant) => ({
    mode,
    workers,
    contestant,
    count,
    rounds: [] as Figures[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const one of measured) one.rounds.push(await once(mode, workers, one.contestant));
  }
  return measured;
}

async function once(mode: Mode, workers: number, contestant: ContestantName): Promise<Figures> {
  const prefix = `/run-${++runs}`;
  const task = { endpoint: etcd.endpoint, prefix, count };
  const create = (): Promise<unknown> =>
    runCreator({ ...task, ...(mode === 'paced' && { perSecond: PACED.perSecond }) });
  if (mode === 'before') await create();
  const figures = await runController({ ...task, contestant, workers }, () =>
    mode === 'before' ? Promise.resolve() : create(),
  );
  await check(prefix);
  return figures;
}

/** Every object has exactly one status, and then they go. */
async function check(prefix: string): Promise<void> {
  const range = { prefix: widgetsPrefix(prefix) };
  const { kvs } = await store.range(range);
  const wrong = kvs.filter((kv) => kv.version !== 2n);
  if (kvs.length !== count || wrong.length > 0) {
    throw new Error(`${kvs.length} objects of ${count}, ${wrong.length} of them not written exactly once`);
  }
  const { revision } = await store.delete(range);
  await store.compact(revision);
}
