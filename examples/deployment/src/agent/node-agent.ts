import { dirname } from 'node:path';
import { type Client, type Clock, defineController, type Runnable, sleep, type Source, systemClock } from 'setpoint';
import { REPLICA_FAILURE } from '../failures.ts';
import { Node, Process } from '../kinds.ts';
import { agentMark, endLeftovers, MARK } from './leftovers.ts';
import type { Observation } from './program.ts';
import type { Launch } from './replica.ts';
import { Supervisor } from './supervisor.ts';

export interface AgentOptions {
  /** The Node that this machine is. No two agents may share one. */
  readonly node: string;
  readonly client: Client;
  /** Where programs are run. */
  readonly directory: string;
  /** How many processes the Node takes. Default 100. */
  readonly capacity?: number;
  readonly clock?: Clock;
}

/** Several fit into the time after which a Node counts as silent. */
const HEARTBEAT_MS = 2_000;

/**
 * The agent of one Node: a controller that makes Processes of its Node real, and a runnable that keeps the Node object
 * alive. Give both to one manager.
 *
 * Its finalizer is on every Process that it runs, so that an object that is gone means a program that is gone.
 */
export function createAgent({ node, client, directory, capacity = 100, clock = systemClock }: AgentOptions) {
  let lookAgain: (key: string) => void = () => {};
  let mark = '';
  const supervisor = new Supervisor(clock, (key) => lookAgain(key));
  const childEvents: Source = {
    name: 'child processes',
    start: async (sink) => {
      lookAgain = (key) => sink.enqueue(key);
    },
  };

  const controller = defineController(Process, {
    name: `agent-${node}`,
    concurrency: 16,
    predicates: [({ object }) => object.spec.nodeName === node],
    sources: [childEvents],
    async reconcile({ object, key, status }) {
      const { uid, generation } = object.metadata;
      const launch = launchOf(object, directory, mark);
      const seen = supervisor.ensure(key, { identity: `${uid}/${generation}`, launch });
      await status(...report(object.metadata.name, seen));
      return seen.againInMs === undefined ? {} : { requeueAfterMs: seen.againInMs };
    },
    finalize: ({ key }) => supervisor.stop(key),
    gone: ({ key }) => supervisor.stop(key),
  });

  const nodes = client.resource(Node);
  const sayAlive = async (): Promise<void> => {
    await nodes.apply({ name: node, spec: { capacity } });
    await nodes.modifyStatus({ name: node }, () => ({ heartbeat: new Date(clock.wallNow()).toISOString() }));
  };
  const sayGoodbye = () => nodes.modifyStatus({ name: node }, () => ({ heartbeat: '' }));

  const runnable: Runnable = {
    name: `node ${node}`,
    /** Controllers start after this: what an earlier agent left is gone before the first program starts. */
    async ready() {
      await endLeftovers(node);
      mark = await agentMark(node);
    },
    async run(signal) {
      while (!signal.aborted) {
        await sayAlive().catch(() => {}); // one that is missed, because the store is away, the next makes up for
        await sleep(clock, HEARTBEAT_MS, signal);
      }
      await supervisor.close();
      await sayGoodbye().catch(() => {});
    },
  };
  return { controller, runnable };
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
  };
}

/** What was seen, as the status of the Process and its conditions. */
function report(name: string, { phase, restarts, pid, port, failure }: Observation) {
  const ready = phase === 'Running';
  const again = restarts === 0 ? '' : `, restarts: ${restarts}`;
  return [
    { phase, ready, restarts, ...(pid !== undefined && { pid }), ...(port !== undefined && { port }) },
    {
      type: 'Ready',
      status: ready,
      reason: ready ? 'Answers' : phase,
      message: ready ? `pid ${pid} answers on port ${port}${again}` : (failure?.message ?? `it is ${phase}`),
    },
    {
      type: REPLICA_FAILURE,
      status: failure !== undefined,
      reason: failure?.reason ?? 'NoFailure',
      message: failure ? `${name}: ${failure.message}${again}` : 'nothing stands in the way',
    },
  ] as const;
}
