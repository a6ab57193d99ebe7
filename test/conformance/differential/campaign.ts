import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Coverage } from './coverage.ts';
import type { Failure, ShareResult } from './share.ts';
import type { WorkerReport, WorkerTask } from './worker.ts';

export interface CampaignOptions {
  readonly version: string;
  readonly seed: number;
  /** The sequences' numbers, both included. */
  readonly first: number;
  readonly last: number;
  /** Processes. Each has `lanes` + `waitingLanes` etcds of its own. */
  readonly workers: number;
  readonly lanes: number;
  readonly waitingLanes: number;
  readonly minutesMax: number;
  readonly onProgress: (sequences: number, operations: number) => void;
}

export interface CampaignResult {
  readonly version: string;
  readonly sequences: number;
  /** Those of them in which leases ran out. */
  readonly expiring: number;
  readonly operations: number;
  readonly again: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly coverage: Coverage;
  readonly failures: readonly Failure[];
}

/** Most of what a worker makes is garbage at once: a larger nursery spares a tenth of its time. */
const NODE_OPTIONS = ['--max-semi-space-size=64'];

/** Runs sequences against one version of etcd in several processes; the first difference ends it. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const startedAt = performance.now();
  const latest = new Map<number, WorkerReport>();
  const sum = (of: (report: WorkerReport) => number): number =>
    [...latest.values()].reduce((total, one) => total + of(one), 0);
  const children: ChildProcess[] = [];
  const results = await Promise.all(
    Array.from({ length: options.workers }, async (_, index) => {
      const { workers, onProgress, first, ...rest } = options;
      const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), { execArgv: NODE_OPTIONS });
      children.push(child);
      const result = await resultOf(child, { ...rest, first: first + index, step: workers }, (report) => {
        latest.set(index, report);
        onProgress(
          sum((one) => one.sequences),
          sum((one) => one.operations),
        );
      });
      // What one has found is enough; the others' work would be of no use.
      if (result?.failure) for (const other of children) other.kill('SIGTERM');
      return result;
    }),
  );
  return merged(options.version, results, (performance.now() - startedAt) / 1000);
}

/** Undefined when the process was ended from here. */
function resultOf(
  child: ChildProcess,
  task: WorkerTask,
  onReport: (report: WorkerReport) => void,
): Promise<ShareResult | undefined> {
  return new Promise((resolve, reject) => {
    child.on('message', (report: WorkerReport) => {
      if (report.error !== undefined) return reject(new Error(report.error));
      onReport(report);
      if (!report.result) return;
      resolve(report.result);
      child.disconnect();
    });
    child.on('exit', (code) => {
      if (child.killed) resolve(undefined);
      else reject(new Error(`a worker ended by itself (${code})`));
    });
    child.on('error', reject);
    child.send(task);
  });
}

function merged(version: string, results: readonly (ShareResult | undefined)[], seconds: number): CampaignResult {
  const coverage = new Coverage();
  const done = results.filter((result) => result !== undefined);
  for (const result of done) coverage.add(result.coverage);
  const total = (name: 'sequences' | 'expiring' | 'operations' | 'again' | 'skipped'): number =>
    done.reduce((sum, result) => sum + result[name], 0);
  return {
    version: done[0]?.version || version,
    sequences: total('sequences'),
    expiring: total('expiring'),
    operations: total('operations'),
    again: total('again'),
    skipped: total('skipped'),
    seconds,
    coverage,
    failures: done.flatMap(({ failure }) => failure ?? []),
  };
}
