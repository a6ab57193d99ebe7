import {
  type Client,
  type Clock,
  type ControllerDefinition,
  type Logger,
  type Runnable,
  silentLogger,
  type Source,
  systemClock,
} from 'setpoint';
import { agentMark, endLeftovers } from './leftovers.ts';
import { type LogServer, startLogServer } from './log-server.ts';
import { keepPresent } from './node-presence.ts';
import { createProcessController } from './process-controller.ts';
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
  /** Default: silent. */
  readonly logger?: Logger;
}

/** The two halves of an agent. Give both to one manager. */
export interface Agent {
  /** Makes the Processes of the Node real. */
  readonly controller: ControllerDefinition;
  /** Cleans up after an earlier agent, keeps the Node object alive, and ends all programs when it is stopped. */
  readonly runnable: Runnable;
}

export function createAgent(options: AgentOptions): Agent {
  const { node, client, directory, capacity = 100, clock = systemClock, logger = silentLogger } = options;
  let lookAgain: (key: string) => void = () => {};
  const programEvents: Source = {
    name: `programs of ${node}`,
    start: async (sink) => {
      lookAgain = (key) => sink.enqueue(key);
    },
  };
  const supervisor = new Supervisor(clock, (key) => lookAgain(key));
  const mark = agentMark(node);
  let isHeld: () => void = () => {};
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  return {
    controller: createProcessController({ node, supervisor, programEvents, directory, mark }),
    runnable: {
      name: `node ${node}`,
      /** A manager starts its controllers after this: only the one agent that is this Node starts anything. */
      ready: (signal) => Promise.race([held, whenAborted(signal)]),
      async run(signal) {
        const logs = await startLogServer(supervisor);
        const presence = new AbortController();
        const cleanAndHold = async (): Promise<void> => {
          await endLeftovers(node);
          isHeld();
        };
        const present = keepPresent(
          { client, node, spec: { capacity }, address: logs.url, mark, clock, logger },
          () => void cleanAndHold(),
          presence.signal,
        );
        await whenAborted(signal);
        await stop(supervisor, logs);
        presence.abort(); // only now: what it ran has ended
        await present;
      },
    },
  };
}

async function stop(supervisor: Supervisor, logs: LogServer): Promise<void> {
  await supervisor.close();
  await logs.close();
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
