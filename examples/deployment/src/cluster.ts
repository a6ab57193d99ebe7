import { createClient, createManager, type Store } from 'setpoint';
import { createAgent } from './agent/node-agent.ts';
import { deploymentController } from './deployment-controller.ts';
import { kinds, Process } from './kinds.ts';
import { replicaSetController } from './replicaset-controller.ts';
import { createScheduler } from './scheduler.ts';

/** The controllers of the control plane. They need no machine of their own, only the store. */
export const controlPlane = [deploymentController, replicaSetController, createScheduler()];

/** Where the built programs are: manifests say `command: [node, helloworld.js]`. */
export const programs = import.meta.dirname;


/** The control plane and the agents of `nodes`, all in this process, until `signal` aborts. */
export function startCluster(store: Store, prefix: string, nodes: readonly string[], signal: AbortSignal) {
  const client = createClient({ store, prefix });
  const agents = nodes.map((node) => createAgent({ node, client, directory: programs }));
  const manager = createManager({
    store,
    prefix,
    resources: kinds,
    controllers: [...controlPlane, ...agents.map(({ controller }) => controller)],
    runnables: agents.map(({ runnable }) => runnable),
  });
  return { client, processes: manager.informer(Process), running: manager.run(signal) };
}
