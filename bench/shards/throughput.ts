import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createClient } from 'setpoint';
import { type BenchEtcd, startBenchEtcd } from '../store/bench-etcd.ts';
import { createJobs } from './job.ts';
import { ended, startReplica } from './replica.ts';

export interface Rate {
  readonly replicas: number;
  readonly ioMs: number;
  /** Reconciles per second. */
  readonly rate: number;
  /** How long one took, on average: its I/O, its write, and its wait for the CPU. */
  readonly meanMs: number;
  /** The share of all workers that was at work. */
  readonly occupied: number;
  /** Cores used: by all replicas, by etcd, and by whatever else runs on the machine. */
  readonly replicaCores: number;
  readonly etcdCores: number;
  readonly otherCores: number;
  /** Cores that nobody used. */
  readonly idleCores: number;
}

const KEYS = 4000;
export const WORKERS = 64;
/** From when all of them work. */
const WARM_UP_MS = 2000;
const JOIN_MAX_MS = 60_000;

/** Measures each number of replicas by itself, on an etcd of its own. */
export async function throughput(
  root: URL,
  counts: readonly number[],
  { seconds, ioMs }: { readonly seconds: number; readonly ioMs: number },
): Promise<Rate[]> {
  const rates: Rate[] = [];
  for (const replicas of counts) {
    const etcd = await startBenchEtcd(root);
    try {
      rates.push(await measure(etcd, replicas, { seconds, ioMs }));
    } finally {
      await etcd.dispose();
    }
  }
  return rates;
}

async function measure(
  etcd: BenchEtcd,
  replicas: number,
  { seconds, ioMs }: { readonly seconds: number; readonly ioMs: number },
): Promise<Rate> {
  const store = etcdStore({ endpoints: etcd.endpoint });
  await createJobs(createClient({ store }), KEYS);
  await store.close();
  let [count, busyMs, cpuMs] = [0, 0, 0];
  const working = new Set<number>();
  const children = Array.from({ length: replicas }, (_, index) => {
    const setup = { slots: 64, leaseDurationMs: 15_000, workers: WORKERS, ioMs, againMs: 1 };
    return startReplica({ ...setup, endpoint: etcd.endpoint, identity: `r${index}` }, (report) => {
      if (report.count > 0) working.add(index);
      count += report.count;
      busyMs += report.busyMs;
      cpuMs += report.cpuMs;
    });
  });
  try {
    const joinBy = performance.now() + JOIN_MAX_MS;
    while (working.size < replicas) {
      if (performance.now() > joinBy) throw new Error(`only ${working.size} of ${replicas} replicas came to work`);
      await wait(100);
    }
    await wait(WARM_UP_MS);
    [count, busyMs, cpuMs] = [0, 0, 0];
    const before = { etcd: etcdCpuMs(etcd.pid), machine: machineCpuMs() };
    const startedAt = performance.now();
    await wait(seconds * 1000);
    const tookMs = performance.now() - startedAt;
    const machine = machineCpuMs();
    const etcdCores = (etcdCpuMs(etcd.pid) - before.etcd) / tookMs;
    const replicaCores = cpuMs / tookMs;
    const busyCores = (machine.busy - before.machine.busy) / tookMs;
    return {
      replicas,
      ioMs,
      rate: (count * 1000) / tookMs,
      meanMs: busyMs / count,
      occupied: busyMs / tookMs / (WORKERS * replicas),
      replicaCores,
      etcdCores,
      otherCores: Math.max(0, busyCores - replicaCores - etcdCores),
      idleCores: Math.max(0, cpus().length - busyCores),
    };
  } finally {
    await Promise.all(children.map(ended));
  }
}

/** What kept a number of replicas from doing more. */
export function capOf({ replicas, idleCores, occupied, otherCores }: Rate): string {
  const cores = cpus().length;
  const left = `${idleCores.toFixed(2)} of ${cores} cores idle`;
  if (idleCores < cores * 0.1) {
    const others = otherCores > 0.1 ? `, of which others used ${otherCores.toFixed(2)}` : '';
    return `the CPU: ${left}${others}`;
  }
  if (occupied > 0.9) return `its ${WORKERS * replicas} workers, all of them at work (${left})`;
  return `neither the CPU (${left}) nor the workers (${(occupied * 100).toFixed(0)} % at work): waiting for etcd`;
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

function machineCpuMs(): { readonly busy: number } {
  return { busy: cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) };
}
