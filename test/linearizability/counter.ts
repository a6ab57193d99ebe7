import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { etcdStore } from '@setpoint/etcd';
import { startEtcd } from '../harness/etcd-server.ts';
import { processEnded, processStarted } from '../harness/leftovers.ts';
import { Scope } from '../harness/scope.ts';
import type { CounterReport, CounterSetup } from './counter-worker.ts';

export interface CounterOptions extends Omit<CounterSetup, 'endpoint' | 'increments'> {
  readonly version: string;
  readonly members?: 1 | 3;
  readonly processes: number;
  /** By all of them together. */
  readonly increments: number;
  /** Where the compiled worker is. Default: beside this file. */
  readonly program?: string;
}

export interface CounterResult {
  readonly counter: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly stalls: number;
  readonly surprises: readonly string[];
  readonly seconds: number;
}

type Report = Extract<CounterReport, { readonly acknowledged: number }>;

/** Several operating-system processes add to one counter under one lock; tells what they were told and what is there. */
export async function runCounter(options: CounterOptions): Promise<CounterResult> {
  const { version, members = 1, processes, increments, program, seed, ...rest } = options;
  const scope = new Scope();
  const startedAt = performance.now();
  try {
    const server = await startEtcd({ version, members });
    scope.defer(() => server.dispose());
    const store = etcdStore({ endpoints: server.endpoints });
    scope.defer(() => store.close());
    await store.put({ key: '/counter', value: '0' });
    const reports = await Promise.all(
      Array.from({ length: processes }, (_, index) => {
        const endpoint = server.endpoints[index % server.endpoints.length]!;
        const setup: CounterSetup = { ...rest, endpoint, increments: increments / processes, seed: seed + index };
        return runWorker(scope, setup, program);
      }),
    );
    const { kvs } = await store.range({ key: '/counter' });
    const sum = (of: (report: Report) => number): number => reports.reduce((total, one) => total + of(one), 0);
    return {
      counter: Number(new TextDecoder().decode(kvs[0]!.value)),
      acknowledged: sum((one) => one.acknowledged),
      refused: sum((one) => one.refused),
      unknown: sum((one) => one.unknown),
      stalls: sum((one) => one.stalls),
      surprises: reports.flatMap((one) => one.surprises),
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await scope.dispose();
  }
}

function runWorker(
  scope: Scope,
  setup: CounterSetup,
  program = fileURLToPath(new URL('./counter-worker.js', import.meta.url)),
) {
  return new Promise<Report>((resolve, reject) => {
    const child = fork(program, [JSON.stringify(setup)], { execArgv: [] });
    const pid = child.pid!;
    processStarted(pid);
    scope.defer(() => child.kill('SIGKILL'));
    let report: Report | undefined;
    child.on('message', (message: CounterReport) => {
      if ('stopMs' in message) freeze(child, message.stopMs);
      else report = message;
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      processEnded(pid);
      if (report) resolve(report);
      else reject(new Error(`a counting process ended with code ${code}`));
    });
  });
}

function freeze(child: ChildProcess, ms: number): void {
  child.kill('SIGSTOP');
  setTimeout(() => child.kill('SIGCONT'), ms);
}
