import { fork } from 'node:child_process';
import { median } from '../rounds.ts';
import type { ContestantName, Figures, Task } from './task.ts';
import type { WriterTask } from './writer-process.ts';

/** The figures of one contestant in one scenario, a round at a time. */
export interface StoreMeasurement {
  readonly scenario: string;
  readonly contestant: ContestantName;
  /** Keys or events of one round. */
  readonly count: number;
  readonly rounds: readonly Figures[];
}

/** A contestant that loses an event would wait for it for ever. */
const TASK_MAX_MS = 120_000;

/** Runs a measured process to its end. */
export function runTask(task: Task): Promise<Figures> {
  return inProcess<Figures>('measured-process.js', task);
}

/** Writes at a steady rate and says which rate it was. */
export function runWriter(task: WriterTask): Promise<{ readonly perSecond: number }> {
  return inProcess('writer-process.js', task);
}

/** The median of one figure over the rounds; undefined where a round has none. */
export function medianOf({ rounds }: StoreMeasurement, figure: keyof Figures): number | undefined {
  const values = rounds.map((round) => round[figure]).filter((value) => value !== undefined);
  return values.length === rounds.length ? median(values) : undefined;
}

function inProcess<Answer>(program: string, task: object): Promise<Answer> {
  const child = fork(new URL(program, import.meta.url), [JSON.stringify(task)], { execArgv: profiling() });
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    const tooLong = setTimeout(() => child.kill('SIGKILL'), TASK_MAX_MS);
    child.on('message', (message) => (answer = message as Answer));
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(tooLong);
      if (answer !== undefined && code === 0) resolve(answer);
      else reject(new Error(`${program} ended with ${code}: ${JSON.stringify(task)}`));
    });
  });
}

/** `BENCH_PROFILE=folder` leaves a CPU profile of each measured process there. */
function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
