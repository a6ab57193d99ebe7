import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createClient } from 'setpoint';
import { startBenchEtcd } from '../store/bench-etcd.ts';
import { Job } from './job.ts';
import { ended, startReplica } from './replica.ts';

export interface Rate {
  readonly replicas: number;
  /** Reconciles per second. */
  readonly rate: number;
  /** Cores used, by all replicas and by etcd. */
  readonly cpuShare: number;
  readonly etcdShare: number;
}

const KEYS = 4000;
const WARM_UP_MS = 6000;

/** Measures each number of replicas by itself, on an etcd of its own. */
export async function throughput(root: URL, counts: readonly number[], seconds: number): Promise<Rate[]> {
  const rates: Rate[] = [];
  for (const replicas of counts) rates.push(await measure(root, replicas, seconds));
  return rates;
}

async function measure(root: URL, replicas: number, seconds: number): Promise<Rate> {
  const etcd = await startBenchEtcd(root);
  const store = etcdStore({ endpoints: etcd.endpoint });
  const jobs = createClient({ store }).resource(Job);
  await Promise.all(Array.from({ length: KEYS }, (_, index) => jobs.create({ name: `job-${index}`, spec: {} })));
  let [count, cpuMs] = [0, 0];
  const children = Array.from({ length: replicas }, (_, index) => {
    const setup = { slots: 64, leaseDurationMs: 15_000, workers: 64, ioMs: 5, againMs: 1 };
    return startReplica({ ...setup, endpoint: etcd.endpoint, identity: `r${index}` }, (report) => {
      count += report.count;
      cpuMs += report.cpuMs;
    });
  });
  await wait(WARM_UP_MS);
  [count, cpuMs] = [0, 0];
  const before = etcdCpuMs(etcd.pid);
  const startedAt = performance.now();
  await wait(seconds * 1000);
  const tookMs = performance.now() - startedAt;
  const rate: Rate = {
    replicas,
    rate: (count * 1000) / tookMs,
    cpuShare: cpuMs / tookMs,
    etcdShare: (etcdCpuMs(etcd.pid) - before) / tookMs,
  };
  await Promise.all(children.map(ended));
  await store.close();
  await etcd.dispose();
  return rate;
}

/** From Linux's process table, in ticks of 10 ms; NaN elsewhere. */
function etcdCpuMs(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}
