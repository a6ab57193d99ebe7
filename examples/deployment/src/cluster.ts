import {
  type Clock,
  type ControllerDefinition,
  createClient,
  createManager,
  type Runnable,
  type Store,
  systemClock,
} from 'setpoint';
import { createAgent } from './agent/node-agent.ts';
import { createAutoscaler } from './autoscaler.ts';
import { createBalancer } from './balancer.ts';
import { createDeploymentController } from './deployment-controller.ts';
import { kinds, Process } from './kinds.ts';
import { createNodeLeases } from './node-leases.ts';
import { createNodeLifecycle } from './node-lifecycle.ts';
import { replicaSetController } from './replicaset-controller.ts';
import { createScheduler } from './scheduler.ts';

/** What a manager runs. */
export interface Parts {
  readonly controllers: readonly ControllerDefinition[];
  readonly runnables: readonly Runnable[];
}

/** The controllers of the control plane. They need no machine of their own, only the store. */
export function createControlPlane(store: Store, prefix: string, clock: Clock = systemClock): Parts {
  const leases = createNodeLeases(store, prefix, clock);
  return {
    controllers: [
      createDeploymentController(clock),
      replicaSetController,
      createScheduler(clock),
      createNodeLifecycle(leases, clock),
      createAutoscaler(clock),
    ],
    runnables: [{ name: 'node leases', run: (signal) => leases.run(signal), ready: () => leases.whenSynced() }],
  };
}

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

/** The control plane, the load balancer and the agents of some nodes, all in this process. */
export function startCluster({ store, prefix, nodes, directory = programs, signal }: ClusterOptions) {
  const client = createClient({ store, prefix });
  const controlPlane = createControlPlane(store, prefix);
  const balancer = createBalancer();
  const agents = nodes.map((node) => createAgent({ node, client, directory }));
  const manager = createManager({
    store,
    prefix,
    resources: kinds,
    controllers: [...controlPlane.controllers, balancer.controller, ...agents.map(({ controller }) => controller)],
    runnables: [...controlPlane.runnables, balancer.runnable, ...agents.map(({ runnable }) => runnable)],
  });
  return { client, processes: manager.informer(Process), running: manager.run(signal) };
}
