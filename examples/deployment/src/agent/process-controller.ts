import { dirname } from 'node:path';
import { defineController, type Source } from 'setpoint';
import { REPLICA_FAILURE } from '../failures.ts';
import { Process } from '../kinds.ts';
import { MARK } from './leftovers.ts';
import type { Observation } from './program.ts';
import { whatHappened } from './process-events.ts';
import type { Launch } from './replica.ts';
import type { Supervisor } from './supervisor.ts';

export interface ProcessControllerOptions {
  readonly node: string;
  readonly supervisor: Supervisor;
  /** Tells which Processes to look at again because of something that happened to their programs. */
  readonly programEvents: Source;
  /** Where programs are run. */
  readonly directory: string;
  /** The mark that programs carry in their environment. */
  readonly mark: string;
}

/**
 * Makes the Processes of one Node real, and writes down how they are doing. Its finalizer is on each of them, so that
 * an object that is gone means a program that is gone.
 */
export function createProcessController({
  node,
  supervisor,
  programEvents,
  directory,
  mark,
}: ProcessControllerOptions) {
  return defineController(Process, {
    name: `agent-${node}`,
    concurrency: 16,
    predicates: [({ object }) => object.spec.nodeName === node],
    sources: [programEvents],
    async reconcile({ object, key, status, event }) {
      // The name may have come back on another Node: then what runs here under it is one too many.
      if (object.spec.nodeName !== node) {
        await supervisor.stop(key);
        return {};
      }
      const { name, uid, generation } = object.metadata;
      const launch = launchOf(object, directory, mark);
      const seen = supervisor.ensure(key, { identity: `${uid}/${generation}`, launch });
      await status(...report(name, seen));
      for (const happened of whatHappened(object, seen)) event(happened);
      return seen.againInMs === undefined ? {} : { requeueAfterMs: seen.againInMs };
    },
    async finalize({ object, key, event }) {
      if (supervisor.has(key)) {
        event({ reason: 'Killing', message: `Stopping program ${object.spec.command.join(' ')}` });
      }
      await supervisor.stop(key);
    },
    gone: ({ key }) => supervisor.stop(key),
  });
}

/** How a Process is to be started: its own environment over what every program gets, and nothing else of the agent's. */
function launchOf({ metadata, spec }: Process, directory: string, mark: string): Launch {
  return {
    command: spec.command,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      PROCESS_NAME: metadata.name,
      PORT: String(spec.port),
      ...spec.env,
      [MARK]: mark,
    },
    directory,
    readyTimeoutMs: spec.readyTimeoutMs,
    stopGraceMs: spec.stopGraceMs,
    restartPolicy: spec.restartPolicy,
    readinessProbe: spec.readinessProbe,
    livenessProbe: spec.livenessProbe,
  };
}

/** What was seen, as the status of the Process and its conditions. */
function report(name: string, { phase, ready, unready, restarts, pid, port, load, failure }: Observation) {
  const again = restarts === 0 ? '' : `, restarts: ${restarts}`;
  const seen = {
    ...(pid !== undefined && { pid }),
    ...(port !== undefined && { port }),
    ...(load !== undefined && { load }),
  };
  return [
    { phase, ready, restarts, ...seen },
    {
      type: 'Ready',
      status: ready,
      reason: ready ? 'Answers' : unready === undefined ? phase : 'ProbeFailed',
      message: ready ? `pid ${pid} answers on port ${port}${again}` : (unready ?? failure?.message ?? `it is ${phase}`),
    },
    {
      type: REPLICA_FAILURE,
      status: failure !== undefined,
      reason: failure?.reason ?? 'NoFailure',
      message: failure ? `${name}: ${failure.message}${again}` : 'nothing stands in the way',
    },
  ] as const;
}
