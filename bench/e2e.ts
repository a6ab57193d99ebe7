/**
 * From created to reconciled, all the way: objects of 1 KiB, created by another process on a real etcd, each answered
 * by one conditional status write. Setpoint with its defaults beside the same job hand-written on plain etcd3, in one
 * run: each measurement has a process of its own, contestants take turns, medians are compared.
 *
 * `--rounds N`, `--count N`, `--workers 10,64`, `--mode before,while,paced`, `--gate`, `--json FILE`.
 */
import { parseArgs } from 'node:util';
import { etcdStore } from '@setpoint/etcd';
import { type Measured, type Mode, modes } from './e2e/aims.ts';
import { reportE2e } from './e2e/e2e-report.ts';
import { type ContestantName, contestants, type Figures, widgetsPrefix } from './e2e/job.ts';
import { runController, runCreator } from './e2e/run.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    count: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '1,10,64,256' },
    mode: { type: 'string', default: modes.join() },
    contestants: { type: 'string', default: contestants.join() },
    gate: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const count = Number(options.count);
const rounds = Number(options.rounds);
const PACED = { workers: 64, perSecond: 1000 };

const etcd = await startBenchEtcd(new URL('../../', import.meta.url), { fsync: true });
const store = etcdStore({ endpoints: etcd.endpoint, callTimeoutMs: 60_000 });
let runs = 0;
try {
  const measured: Measured[] = [];
  for (const mode of options.mode.split(',') as Mode[]) {
    const pools = mode === 'paced' ? [PACED.workers] : options.workers.split(',').map(Number);
    for (const workers of pools) measured.push(...(await inTurns(mode, workers)));
  }
  reportE2e(measured, { gate: options.gate, json: options.json, etcd: etcd.version });
} finally {
  await store.close();
  await etcd.dispose();
}

/** Every contestant once in every round, so that all meet the machine's quiet and busy moments. */
async function inTurns(mode: Mode, workers: number): Promise<Measured[]> {
  const names = options.contestants.split(',') as ContestantName[];
  const measured = names.map((contestant) => ({ mode, workers, contestant, count, rounds: [] as Figures[] }));
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
