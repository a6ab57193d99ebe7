import { condition } from './etcd3-control-plane.ts';
import { Etcd3Objects } from './etcd3-objects.ts';
import type { Task } from './job.ts';

/** The agents by hand: a finalizer on each Process that has a Node, and a status that says it answers. */
export async function startEtcd3Nodes({ endpoint, prefix }: Task): Promise<() => Promise<void>> {
  const objects = new Etcd3Objects(endpoint, prefix);
  const held = new Set<string>();
  await objects.follow('processes', (process) => {
    const { metadata, spec } = process;
    if (spec.nodeName === undefined || held.has(metadata.name)) return;
    held.add(metadata.name);
    const finalizers = [`example.setpoint.dev/agent-${spec.nodeName}`];
    const own = { ...process, metadata: { ...metadata, finalizers } };
    const conditions = [condition('Ready'), condition('ReplicaFailure')];
    const status = { phase: 'Running', ready: true, restarts: 0, pid: 1, port: 1, observedGeneration: 2, conditions };
    void objects.put('processes', own).then(() => objects.put('processes', { ...own, status }));
  });
  return async () => objects.close();
}
