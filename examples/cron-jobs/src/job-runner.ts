import { execFile } from 'node:child_process';
import { defineController, type Source } from 'setpoint';
import { Job } from './cron-jobs.ts';

/** Runs a command to its end. Rejects when it fails; ends it when `signal` aborts. */
export type RunCommand = (command: readonly string[], signal: AbortSignal) => Promise<void>;

/** So many commands run at once; a Job more waits for one of them to end. */
const AT_ONCE = 4;
const LOOK_AGAIN_MS = 1_000;

interface Run {
  readonly uid: string;
  readonly cancel: AbortController;
  outcome?: { readonly phase: 'Succeeded' | 'Failed'; readonly message: string };
}

/**
 * Runs each Job once. One whose runner was killed in the middle is said to have failed: it may have done half of it. A
 * reconcile starts a command and returns; its end asks for the next one. One that waited for it would hold its key, and
 * nobody would hear that the Job is deleted.
 */
export function createJobRunner(runCommand: RunCommand = runProgram) {
  const running = new Map<string, Run>();
  let lookAgain: (key: string) => void = () => {};
  const ends: Source = {
    name: 'ends of jobs',
    start: async (sink, signal) => {
      lookAgain = (key) => sink.enqueue(key);
      signal.addEventListener('abort', () => running.forEach(({ cancel }) => cancel.abort()), { once: true });
    },
  };
  const start = (key: string, uid: string, command: readonly string[]): void => {
    const run: Run = { uid, cancel: new AbortController() };
    running.set(key, run);
    void runCommand(command, run.cancel.signal)
      .then(
        () => ({ phase: 'Succeeded' as const, message: '' }),
        (error: unknown) => ({ phase: 'Failed' as const, message: String(error) }),
      )
      .then((outcome) => {
        run.outcome = outcome;
        lookAgain(key);
      });
  };
  const end = (key: string): void => {
    running.get(key)?.cancel.abort();
    running.delete(key);
  };
  return defineController(Job, {
    name: 'job-runner',
    concurrency: 1, // one after the other is what keeps the count
    sources: [ends],
    async reconcile({ object, key, status }) {
      const { uid } = object.metadata;
      const run = running.get(key);
      if (run?.uid === uid) {
        if (!run.outcome) return undefined;
        await status(run.outcome);
        running.delete(key);
        return undefined;
      }
      end(key); // of an earlier Job of this name
      if (object.status?.phase === 'Running')
        return status({ phase: 'Failed', message: 'its runner ended in the middle' });
      if (object.status) return undefined;
      if (running.size >= AT_ONCE) return { requeueAfterMs: LOOK_AGAIN_MS };
      await status({ phase: 'Running', message: '' });
      start(key, uid, object.spec.command);
      return undefined;
    },
    gone: ({ key }) => end(key),
  });
}

const TIME_MAX_MS = 3_600_000;

function runProgram([program = '', ...programArguments]: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, programArguments, { signal, timeout: TIME_MAX_MS }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
