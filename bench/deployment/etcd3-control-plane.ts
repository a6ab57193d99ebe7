import { randomUUID } from 'node:crypto';
import { Etcd3Objects, type Stored } from './etcd3-objects.ts';
import { nodeName, type Task } from './job.ts';

/** What is known of one ReplicaSet. */
interface Known {
  readonly set: Stored;
  readonly deployment: Stored;
  readonly ready: Set<string>;
}

/**
 * The same objects written by hand: a ReplicaSet for each Deployment, its Processes, a Node for each in turn, and the
 * counts of both each time one more Process answers.
 */
export async function startEtcd3ControlPlane({ endpoint, prefix, nodes }: Task): Promise<() => Promise<void>> {
  const objects = new Etcd3Objects(endpoint, prefix);
  const known = new Map<string, Known>();
  const placed = new Set<string>();
  let turn = 0;

  const created = (deployment: Stored): void => {
    const name = `${deployment.metadata.name}-0a1b2c3d`;
    if (known.has(name)) return;
    const { replicas = 1, template } = deployment.spec;
    const set = ownedBy(deployment, 'ReplicaSet', name, { replicas, template });
    known.set(name, { set, deployment, ready: new Set() });
    void objects.put('replicasets', set);
    for (let index = 0; index < replicas; index++) {
      void objects.put('processes', ownedBy(set, 'Process', `${name}-${index}`, template as Stored['spec']));
    }
  };
  const seen = (process: Stored): void => {
    const { name } = process.metadata;
    if (process.spec.nodeName === undefined) {
      if (placed.has(name)) return;
      placed.add(name);
      const spec = { ...process.spec, nodeName: nodeName(turn++ % nodes) };
      void objects.put('processes', { ...process, metadata: { ...process.metadata, generation: 2 }, spec });
    } else if (process.status?.ready === true) {
      counted(name.slice(0, name.lastIndexOf('-')), name);
    }
  };
  const counted = (of: string, process: string): void => {
    const one = known.get(of);
    if (!one || one.ready.has(process)) return;
    one.ready.add(process);
    const replicas = one.deployment.spec.replicas ?? 1;
    const conditions = [condition('ReplicaFailure'), condition('Available'), condition('Progressing')];
    const status = { replicas, ready: one.ready.size, observedGeneration: 1 };
    void objects.put('replicasets', { ...one.set, status: { ...status, conditions: conditions.slice(0, 1) } });
    void objects.put('deployments', {
      ...one.deployment,
      status: { ...status, updated: replicas, revision: 1, progressedAt: new Date().toISOString(), conditions },
    });
  };

  await objects.follow('deployments', created);
  await objects.follow('processes', seen);
  return async () => objects.close();
}

function ownedBy(owner: Stored, kind: string, name: string, spec: Stored['spec']): Stored {
  const { apiVersion, metadata } = owner;
  const reference = { apiVersion, kind: owner.kind, name: metadata.name, uid: metadata.uid, controller: true };
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: metadata.namespace,
      name,
      uid: randomUUID(),
      generation: 1,
      creationTimestamp: new Date().toISOString(),
      ownerReferences: [{ ...reference, blockOwnerDeletion: true }],
    },
    spec,
  };
}

export function condition(type: string): object {
  const message = 'as long a sentence as they have';
  return { type, status: 'True', reason: 'AsItShouldBe', message, lastTransitionTime: new Date().toISOString() };
}
