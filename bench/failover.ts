/**
 * `npm run bench -- failover`: how long after its leader is gone a group has a new one that has written. A kill: SIGKILL
 * to the leader's process. A resignation: it is asked to stop. A partition: nothing reaches it any more; here also how
 * long it believed in itself after its successor was elected, which must be never.
 * `--help` tells the options.
 */
import { cpus, loadavg } from 'node:os';
import { etcdStore } from '@setpoint/etcd';
import { commandLine, decimal, list, oneOf, whole, writeJson } from '../test/harness/command-line.ts';
import { partition } from './failover/partition.ts';
import { type Leaders, startLeaders, takeOver, type Times } from './failover/take-over.ts';
import { reporting } from './report.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';

const ROOT = new URL('../../', import.meta.url);
const ENDS = ['kill', 'partition', 'resign'] as const;
const values = commandLine({
  run: 'npm run bench -- failover',
  about:
    'From the end of a leader to the first write of the next. The aim: no two of them believe in themselves at once.',
  options: {
    groups: whole('how many elections of each kind, five in each process', { default: 100, min: 1 }),
    ttl: list(decimal('leases of so long', { min: 1, takes: 'S' }), [5, 15]),
    end: list(oneOf(ENDS, 'how a leader ends'), ENDS),
    ...reporting,
  },
});
const { groups } = values;
const IN_A_PROCESS = 5;
interface Result {
  readonly ttl: number;
  readonly end: (typeof ENDS)[number];
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the intents of two leaders, at most. */
  readonly overlap?: number;
}

/** For 15 s client-go's defaults, for shorter leases the same in proportion. */
const timesOf = (ttlSeconds: number): Times => ({
  leaseDurationMs: ttlSeconds * 1000,
  renewDeadlineMs: (ttlSeconds * 2000) / 3,
  retryPeriodMs: (ttlSeconds * 2000) / 15,
});

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;

const etcd = await startBenchEtcd(ROOT, { fsync: true });
const store = etcdStore({ endpoints: etcd.endpoint });
const results: Result[] = [];
let right = true;
const load = loadavg()[0]!.toFixed(1);
console.log(`etcd ${etcd.version}, load ${load} on ${cpus().length} cores;`);
console.log('from the end of a leader to the first write of the next:');
try {
  for (const ttl of values.ttl) {
    for (const end of ENDS) if (values.end.includes(end)) await measure(ttl, end);
  }
} finally {
  await store.close();
  await etcd.dispose();
}
writeJson(values.json, { etcd: etcd.version, load, cores: cpus().length, results });
const worst = Math.max(...results.map(({ p99 }) => p99));
console.log(
  `failover, etcd ${etcd.version}: ${results.length} kinds of end, slowest p99 ${worst.toFixed(0)} ms, ` +
    `${right ? 'no two leaders at once' : 'TWO LEADERS AT ONCE'}`,
);
process.exit(right || !values.gate ? 0 : 1);

async function measure(ttl: number, end: (typeof ENDS)[number]): Promise<void> {
  const times = timesOf(ttl);
  const names = Array.from({ length: groups }, (_, index) => `${end}-${ttl}-${index}`);
  let [all, overlaps, overlap]: [number[], string, number | undefined] = [[], '', undefined];
  if (end === 'partition') {
    const samples = await Promise.all(names.map((name) => partition(etcd.endpoint, store, times, name)));
    all = samples.map(({ failoverMs }) => failoverMs);
    overlap = Math.max(...samples.map(({ overlapMs }) => overlapMs));
    overlaps = `, overlap of intent at most ${overlap.toFixed(0)} ms`;
    if (overlap > 0) right = false;
  } else {
    const processes = Math.ceil(groups / IN_A_PROCESS);
    const parts = Array.from({ length: processes }, (_, at) => names.filter((__, index) => index % processes === at));
    const leaders: Leaders[] = [];
    // One after the other, or they would starve each other.
    for (const part of parts) leaders.push(await startLeaders({ endpoint: etcd.endpoint, times, names: part }));
    all = (await Promise.all(leaders.map((each) => takeOver(each, { store, times, end })))).flat();
  }
  // A leader that a busy machine deposed before its end was due tells nothing.
  const sorted = all.filter((ms) => ms > 0).sort((a, b) => a - b);
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  console.log(
    `TTL ${ttl} s, ${end.padEnd(9)} ${sorted.length} of them, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms${overlaps}`,
  );
  results.push({ ttl, end, samples: sorted.length, p50, p99, ...(overlap === undefined ? {} : { overlap }) });
}
