import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ReplicaSetup } from './job.ts';

/** What a replica did since its last report, twice a second. */
export interface ReplicaReport {
  /** Reconciles that ended with their write carried out. */
  readonly count: number;
  /** How long reconciles took, together. */
  readonly busyMs: number;
  readonly cpuMs: number;
}

/** A replica in a process of its own. */
export function startReplica(setup: ReplicaSetup, onReport: (report: ReplicaReport) => void): ChildProcess {
  const program = fileURLToPath(new URL('./replica-process.js', import.meta.url));
  const child = fork(program, [JSON.stringify(setup)], {
    execArgv: [],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  child.on('message', (report: ReplicaReport) => onReport(report));
  return child;
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await exit;
}
