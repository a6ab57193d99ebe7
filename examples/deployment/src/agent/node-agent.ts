import { type Client, type Clock, type ControllerDefinition, type Runnable, type Source, systemClock } from 'setpoint';
import { keepAlive, sayGoodbye } from './heartbeat.ts';
import { agentMark, endLeftovers } from './leftovers.ts';
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
}

/** The two halves of an agent. Give both to one manager. */
export interface Agent {
  /** Makes the Processes of the Node real. */
  readonly controller: ControllerDefinition;
  /** Cleans up after an earlier agent, keeps the Node object alive, and ends all programs when it is stopped. */
  readonly runnable: Runnable;
}

export function createAgent(options: AgentOptions): Agent {
  const { node, client, directory, capacity = 100, clock = systemClock } = options;
  let lookAgain: (key: string) => void = () => {};
  const programEvents: Source = {
    name: `programs of ${node}`,
    start: async (sink) => {
      lookAgain = (key) => sink.enqueue(key);
    },
  };
  const supervisor = new Supervisor(clock, (key) => lookAgain(key));
  const heartbeat = { client, node, capacity, clock };
  return {
    controller: createProcessController({ node, supervisor, programEvents, directory, mark: agentMark(node) }),
    runnable: {
      name: `node ${node}`,
      /** A manager starts its controllers after this: what is left of earlier ones ends before the first program starts. */
      ready: async () => void (await endLeftovers(node)),
      async run(signal) {
        await keepAlive(heartbeat, signal);
        await supervisor.close();
        await sayGoodbye(heartbeat);
      },
    },
  };
}
