import { createClient, createManager, type Store } from 'setpoint';
import { createAgent } from './agent/node-agent.ts';
import { deploymentController } from './deployment-controller.ts';
import { kinds, Process } from './kinds.ts';
import { createNodeMonitor } from './node-monitor.ts';
import { replicaSetController } from './replicaset-controller.ts';
import { createScheduler } from './scheduler.ts';

/** The controllers of the control plane. They need no machine of their own, only the store. */
export const controlPlane = [deploymentController, replicaSetController, createScheduler(), createNodeMonitor()];

/** Where the built programs are: manifests say `command: [node, helloworld.js]`. */
export const programs = import.meta.dirname;

export interface ClusterOptions {
  readonly store: Store;
  readonly prefix: string;
  /** The names of the Nodes, each with an agent of its own. */
  readonly nodes: readonly string[];
  /** Where the agents run programs. Default {@link programs}. */
  readonly directory?: string;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** The control plane and the agents of some nodes, all in this process. */
export function startCluster({ store, prefix, nodes, directory = programs, signal }: ClusterOptions) {
  const client = createClient({ store, prefix });
  const agents = nodes.map((node) => createAgent({ node, client, directory }));
  const manager = createManager({
    store,
    prefix,
    resources: kinds,
    controllers: [...controlPlane, ...agents.map(({ controller }) => controller)],
    runnables: agents.map(({ runnable }) => runnable),
  });
  return { client, processes: manager.informer(Process), running: manager.run(signal) };
}
