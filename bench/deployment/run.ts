import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Deployment } from '@setpoint/example-deployment/kinds';
import { createClient, memoryStore, type Store } from 'setpoint';
import { keyText } from 'setpoint/store';
import { type BenchEtcd } from '../store/bench-etcd.ts';
import { type ContestantName, type PartFigures, type PartName, parts, type RunFigures, type Task } from './job.ts';

export interface RunOptions {
  readonly contestant: ContestantName;
  readonly etcd: BenchEtcd;
  readonly store: Store;
  readonly prefix: string;
  readonly deployments: number;
  readonly replicas: number;
  readonly nodes: number;
}

/** A cluster that loses an object would be waited for for ever. */
const RUN_MAX_MS = 240_000;
/** So many puts wait at a time while the Deployments are created. */
const CREATORS = 32;

/** Starts the parts of one contestant, creates the Deployments, and waits until all of their Processes answer. */
export async function runOnce(options: RunOptions): Promise<RunFigures> {
  const { contestant, etcd, store, prefix, deployments, replicas, nodes } = options;
  const capacity = Math.ceil((deployments * replicas) / nodes) + 1;
  const manifests = await texts(prefix, deployments, replicas);
  const children = {} as Record<PartName, ChildProcess>;
  try {
    for (const part of parts) {
      const task: Task = { contestant, part, endpoint: etcd.endpoint, prefix, nodes, capacity };
      children[part] = start(task);
      await heard(children[part], 'ready');
    }
    await Promise.all(parts.map((part) => told(children[part], 'begin', 'began')));
    const { revision } = await store.range({ prefix: `${prefix}/deployments/`, countOnly: true });
    const etcdCpu = cpuMsOf(etcd.pid);
    const converged = allReady({ store, prefix, deployments, replicas, from: revision + 1n });
    const begun = performance.now();
    await create(store, manifests);
    const createMs = performance.now() - begun;
    await converged;
    const readyMs = performance.now() - begun;
    const used = { cpuMs: cpuMsOf(etcd.pid) - etcdCpu, peakMb: peakMbOf(etcd.pid) };
    const writes = await countWrites(store, prefix);
    const figures = await Promise.all(parts.map((part) => told(children[part], 'end')));
    const [controlPlane, agents] = figures as [PartFigures, PartFigures];
    return { readyMs, createMs, writes, parts: { 'control-plane': controlPlane, nodes: agents }, etcd: used };
  } finally {
    await Promise.all(Object.values(children).map(end));
    await store.delete({ prefix: `${prefix}/` });
  }
}

/** The key and the stored text of each Deployment, made beforehand: both contestants begin with the same bytes. */
async function texts(prefix: string, count: number, replicas: number): Promise<(readonly [string, Uint8Array])[]> {
  const store = memoryStore();
  const objects = createClient({ store, prefix }).resource(Deployment);
  const template = { command: ['node', 'helloworld.js'], env: { VERSION: 'v1' }, labels: { app: 'helloworld' } };
  for (let index = 0; index < count; index++) {
    await objects.create({ name: `web-${String(index).padStart(5, '0')}`, spec: { replicas, template } });
  }
  const { kvs } = await store.range({ prefix: `${prefix}/deployments/` });
  return kvs.map(({ key, value }) => [keyText(key), value] as const);
}

async function create(store: Store, manifests: readonly (readonly [string, Uint8Array])[]): Promise<void> {
  const left = [...manifests].reverse();
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next; next = left.pop()) await store.put({ key: next[0], value: next[1] });
  };
  await Promise.all(Array.from({ length: CREATORS }, worker));
}

interface Wanted {
  readonly store: Store;
  readonly prefix: string;
  readonly deployments: number;
  readonly replicas: number;
  readonly from: bigint;
}

/** Seen from outside: each Deployment's own status says that all of its Processes answer. */
async function allReady({ store, prefix, deployments, replicas, from }: Wanted): Promise<void> {
  const ready = new Set<string>();
  const over = new AbortController();
  const tooLong = setTimeout(() => over.abort(new Error(`${ready.size} of ${deployments} are ready`)), RUN_MAX_MS);
  try {
    const watch = store.watch({ prefix: `${prefix}/deployments/`, startRevision: from }, { signal: over.signal });
    for await (const batch of watch) {
      for (const event of batch.events) {
        const { status } = JSON.parse(keyText(event.kv.value)) as { status?: { ready?: number } };
        if (status?.ready === replicas) ready.add(keyText(event.kv.key));
      }
      if (ready.size === deployments) return;
    }
  } finally {
    clearTimeout(tooLong);
  }
  throw new Error(`the watch ended when ${ready.size} of ${deployments} were ready`);
}

/** By the versions of the keys: none was deleted. */
async function countWrites(store: Store, prefix: string): Promise<number> {
  const { kvs } = await store.range({ prefix: `${prefix}/` });
  return kvs.reduce((sum, { version }) => sum + Number(version), 0);
}

function start(task: Task): ChildProcess {
  const folder = process.env['BENCH_PROFILE'];
  const profiling = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  return fork(new URL('part-process.js', import.meta.url), [JSON.stringify(task)], {
    execArgv: profiling,
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

/** Leaves it a moment for its profile. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(force);
}

function told(child: ChildProcess, message: string, answer?: string): Promise<unknown> {
  const answered = heard(child, answer);
  child.send(message);
  return answered;
}

/** The next message, or the one that is `wanted`. */
function heard(child: ChildProcess, wanted?: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if (wanted === undefined || message === wanted) resolve(message);
    });
    child.once('exit', (code) => reject(new Error(`a part ended with ${code} before it had answered`)));
  });
}

/** From Linux's process table, in ticks of 10 ms; NaN elsewhere. */
function cpuMsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}

function peakMbOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return NaN;
  }
}
