import { execFile } from 'node:child_process';
import { defineController } from 'setpoint';
import { Job } from './cron-jobs.ts';

/** Runs a command to its end. Rejects when it fails; ends it when `signal` aborts. */
export type RunCommand = (command: readonly string[], signal: AbortSignal) => Promise<void>;

/** Runs each Job once. One whose runner was killed in the middle is said to have failed: it may have done half of it. */
export function createJobRunner(runCommand: RunCommand = runProgram) {
  const running = new Map<string, AbortController>();
  return defineController(Job, {
    name: 'job-runner',
    concurrency: 4,
    timeoutMs: 3_600_000,
    async reconcile({ object, key, status, signal }) {
      if (object.status?.phase === 'Running')
        return status({ phase: 'Failed', message: 'its runner ended in the middle' });
      if (object.status) return undefined;
      await status({ phase: 'Running', message: '' });
      const cancel = new AbortController();
      running.set(key, cancel);
      const outcome = await runCommand(object.spec.command, AbortSignal.any([signal, cancel.signal])).then(
        () => ({ phase: 'Succeeded' as const, message: '' }),
        (error: unknown) => ({ phase: 'Failed' as const, message: String(error) }),
      );
      running.delete(key);
      return status(outcome);
    },
    gone: ({ key }) => running.get(key)?.abort(),
  });
}

function runProgram([program = '', ...programArguments]: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, programArguments, { signal }, (error) => (error ? reject(error) : resolve()));
  });
}
