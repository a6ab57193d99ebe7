import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Failure, Figures, Task } from './task.ts';

/** Nothing that is measured takes as long. */
const TASK_MAX_MS = 240_000;

/** Runs one measurement: a server and a measured process, each of its own. */
export async function runTask(task: Omit<Task, 'port'>): Promise<Figures | Failure> {
  const program = task.contestant === 'client-node' ? 'fake-kube.js' : 'fake-etcd.js';
  const server = start(program, [String(task.keys)]);
  try {
    const [{ port }] = (await once(server, 'message')) as [{ port: number }];
    return await measure({ ...task, port }, server);
  } finally {
    server.kill('SIGKILL');
  }
}

function measure(task: Task, server: ChildProcess): Promise<Figures | Failure> {
  const child = start('measured-process.js', [JSON.stringify(task)]);
  return new Promise((resolve, reject) => {
    const tooLong = setTimeout(() => child.kill('SIGKILL'), TASK_MAX_MS);
    child.on('error', reject);
    child.on('message', (message: { ready?: true; answer?: Figures | Failure }) => {
      if (message.ready) server.send({ count: task.events });
      if (message.answer) resolve(message.answer);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(tooLong);
      resolve({ failed: `the process ended with ${signal ?? code}` });
    });
  });
}

/** `BENCH_PROFILE=folder` leaves a CPU profile of each measured process there. */
function start(program: string, args: readonly string[]): ChildProcess {
  if (program !== 'measured-process.js') return fork(new URL(program, import.meta.url), args);
  const folder = process.env['BENCH_PROFILE'];
  const profiling = folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  return fork(new URL(program, import.meta.url), args, {
    execArgv: ['--expose-gc', '--max-old-space-size=16000', ...profiling],
    env: { ...process.env, NODE_ENV: 'production' },
  });
}
