import { type ChildProcess, fork } from 'node:child_process';
import type { ControllerTask, CreatorTask, Figures } from './job.ts';

/** A controller that loses an object would wait for it for ever. */
const RUN_MAX_MS = 180_000;

/** Runs the creator to its end; says how many objects a second it made. */
export async function runCreator(task: CreatorTask): Promise<{ readonly perSecond: number }> {
  const child = start('creator-process.js', task);
  const [made] = await Promise.all([message<{ readonly perSecond: number }>(child), ended(child)]);
  return made;
}

/** Runs a controller to its last status, `whenReady` in between. */
export async function runController(task: ControllerTask, whenReady: () => Promise<unknown>): Promise<Figures> {
  const child = start('controller-process.js', task);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), RUN_MAX_MS);
  try {
    const over = ended(child);
    // It may have its figures before anybody listens for them.
    const figures = message<Figures>(child, (one) => one !== 'ready');
    await Promise.all([message(child, (one) => one === 'ready').then(whenReady), figures, over]);
    return await figures;
  } finally {
    clearTimeout(tooLong);
  }
}

function start(program: string, task: object): ChildProcess {
  return fork(new URL(program, import.meta.url), [JSON.stringify(task)], { execArgv: profiling() });
}

function message<Message>(child: ChildProcess, wanted: (message: unknown) => boolean = () => true): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.on('message', (one) => {
      if (wanted(one)) resolve(one as Message);
    });
    child.once('exit', (code) => reject(new Error(`a process ended with ${code} before it had answered`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a process ended with ${code}`))));
  });
}

/** `BENCH_PROFILE=folder` leaves a CPU profile of each process there. */
function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
