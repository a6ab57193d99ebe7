import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Clock, systemClock } from 'setpoint';
import type { StartStep } from './step-controller.ts';

/** What it said last may arrive after its end, but a process that escaped with its output must not delay the news. */
const LAST_WORDS_MS = 300;

/** Runs a step as a process, in a process group of its own so that what it starts ends with it. */
export function processStarter(clock: Clock = systemClock): StartStep {
  return ({ command: [program = '', ...programArguments], env, timeoutMs }, onLine, signal) =>
    new Promise((resolve) => {
      const child = spawn(program, programArguments, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      });
      let why: string | undefined;
      const end = (reason: string): void => {
        why ??= reason;
        killGroup(child.pid);
      };
      const patience = clock.setTimer(() => end(`it took longer than ${timeoutMs} ms`), timeoutMs);
      const cancelled = (): void => end('cancelled');
      signal.addEventListener('abort', cancelled, { once: true });
      for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
      const settle = (succeeded: boolean, message: string): void => {
        patience.cancel();
        signal.removeEventListener('abort', cancelled);
        resolve({ succeeded, message: why ?? message });
      };
      child.once('error', (error) => settle(false, error.message));
      child.once('exit', (code) => {
        killGroup(child.pid); // what it started and left
        const ended = (): void => settle(code === 0 && why === undefined, `exit code ${code}`);
        const waiting = clock.setTimer(ended, LAST_WORDS_MS);
        child.once('close', () => {
          waiting.cancel();
          ended();
        });
      });
    });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // nobody of it is left
  }
}
