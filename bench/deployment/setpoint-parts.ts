import { createControlPlane } from '@setpoint/example-deployment/cluster';
import { kinds, Node, Process } from '@setpoint/example-deployment/kinds';
import { nodeLeaseKey } from '@setpoint/example-deployment/node-leases';
import { etcdStore } from '@setpoint/etcd';
import { type ControlPlane, createManager, defineController, type Store } from 'setpoint';
import { nodeName, type Task } from './job.ts';

/** The example's control plane as it is: every controller, the garbage collector, events. */
export async function startSetpointControlPlane({ endpoint, prefix }: Task): Promise<() => Promise<void>> {
  const store = etcdStore({ endpoints: endpoint });
  return running(store, createManager({ store, prefix, resources: kinds, ...createControlPlane(store, prefix) }));
}

/**
 * Agents that run nothing: their finalizer is on each Process of their Nodes, and it answers as soon as they see it. Of
 * what a real one does only the starting of a program is left out.
 */
const hollowNodes = defineController(Process, {
  name: 'hollow-nodes',
  concurrency: 64,
  predicates: [({ object }) => object.spec.nodeName !== undefined],
  finalize: () => {},
  async reconcile({ object, status }) {
    if (object.spec.nodeName === undefined || object.status?.ready === true) return;
    await status(
      { phase: 'Running', ready: true, restarts: 0, pid: 1, port: 1 },
      { type: 'Ready', status: true, reason: 'Answers', message: 'pid 1 answers on port 1' },
      { type: 'ReplicaFailure', status: false, reason: 'NoFailure', message: 'nothing stands in the way' },
    );
  },
});

export async function startSetpointNodes(task: Task): Promise<() => Promise<void>> {
  const { endpoint, prefix, nodes, capacity } = task;
  const store = etcdStore({ endpoints: endpoint });
  const manager = createManager({ store, prefix, controllers: [hollowNodes], garbageCollection: false });
  const stop = await running(store, manager);
  const objects = manager.client.resource(Node);
  for (let index = 0; index < nodes; index++) {
    await objects.create({ name: nodeName(index), spec: { capacity, cpuMilli: 1e6, memoryMiB: 1e6 } });
    // Without a lease: nobody dies here.
    await store.put({ key: nodeLeaseKey(prefix, nodeName(index)), value: '{}' });
  }
  return stop;
}

async function running(store: Store, manager: ControlPlane): Promise<() => Promise<void>> {
  const run = manager.run(new AbortController().signal);
  await Promise.race([manager.whenReady(), run]);
  return async () => {
    await manager.stop();
    await run;
    await store.close();
  };
}
