import { defineController, type Source } from 'setpoint';
import { type Step, StepRun } from './kinds.ts';

/** What a command has come to. */
export interface Outcome {
  readonly succeeded: boolean;
  readonly message: string;
}

/** Starts a command, tells `onLine` what it says, and resolves with what it came to. Ends it when `signal` aborts. */
export type StartStep = (step: Step, onLine: (line: string) => void, signal: AbortSignal) => Promise<Outcome>;

const LOG_LINES_KEPT = 50;

interface Running {
  readonly cancel: AbortController;
  readonly attempt: number;
  readonly log: string[];
  outcome?: Outcome;
}

/**
 * Runs the steps. A reconcile starts a program and returns; its end asks for the next one, over a source of its own. So
 * no worker waits for a program, and any number run side by side. A step whose runner was killed counts as an attempt.
 */
export function createStepController(start: StartStep) {
  const programs = new Map<string, Running>();
  let lookAgain: (key: string) => void = () => {};
  const ends: Source = {
    name: 'ends of steps',
    start: async (sink) => {
      lookAgain = (key) => sink.enqueue(key);
    },
  };
  const run = (key: string, uid: string, step: Step, attempt: number): Running => {
    const running: Running = { cancel: new AbortController(), attempt, log: [] };
    programs.set(uid, running);
    const onLine = (line: string): void => {
      running.log.push(line);
      if (running.log.length > LOG_LINES_KEPT) running.log.shift();
    };
    void start(step, onLine, running.cancel.signal)
      .catch((error: unknown) => ({ succeeded: false, message: String(error) }))
      .then((outcome) => {
        running.outcome = outcome;
        lookAgain(key);
      });
    return running;
  };

  return defineController(StepRun, {
    concurrency: 8,
    sources: [ends],
    async reconcile({ object, key, status }) {
      const { step, cancelled } = object.spec;
      const { uid } = object.metadata;
      const known = object.status;
      if (known && known.phase !== 'Running') return;
      const program = programs.get(uid);
      if (cancelled) {
        program?.cancel.abort();
        if (program && !program.outcome) return; // its end calls again
        programs.delete(uid);
        return status({
          phase: 'Cancelled',
          attempts: known?.attempts ?? 0,
          message: 'cancelled',
          log: program?.log ?? [],
        });
      }
      if (program && !program.outcome) return;
      const attempts = program?.attempt ?? known?.attempts ?? 0;
      const message = program?.outcome?.message ?? (known ? 'its runner was killed' : '');
      const log = [...(program?.log ?? known?.log ?? [])];
      if (program?.outcome?.succeeded) {
        programs.delete(uid);
        return status({ phase: 'Succeeded', attempts, message, log });
      }
      if (attempts > step.retries) {
        programs.delete(uid);
        return status({ phase: 'Failed', attempts, message, log });
      }
      // Written down before it starts: a crash in between costs an attempt and never runs one too many.
      await status({ phase: 'Running', attempts: attempts + 1, message, log });
      run(key, uid, step, attempts + 1);
    },
    async finalize({ object }) {
      programs.get(object.metadata.uid)?.cancel.abort();
      programs.delete(object.metadata.uid);
    },
  });
}
