import { defineController } from 'setpoint';
import { firstFailure } from './failures.ts';
import { Deployment, ReplicaSet } from './kinds.ts';
import { planRollout, type ReplicaCounts } from './rollout.ts';
import { templateHash } from './template-hash.ts';

/** How many ReplicaSets of earlier templates are kept, empty, so that going back to one is seen in its name. */
const HISTORY_KEPT = 3;

/** Keeps one ReplicaSet for the wanted template and moves the replicas of earlier ones over to it, step by step. */
export const deploymentController = defineController(Deployment, {
  owns: [ReplicaSet],
  async reconcile({ object, owned, status }) {
    const { template, replicas, maxSurge, maxUnavailable } = object.spec;
    const sets = owned(ReplicaSet);
    const all = sets.list();
    const currentName = `${object.metadata.name}-${templateHash(template)}`;
    const current = all.find(({ metadata }) => metadata.name === currentName);
    const old = all.filter((set) => set !== current).sort(byAge);

    const plan = planRollout({
      replicas,
      maxSurge,
      maxUnavailable,
      current: current ? countsOf(current) : { name: currentName, replicas: 0, ready: 0 },
      old: old.map(countsOf),
    });
    await sets.apply({ name: currentName, spec: { replicas: plan.get(currentName)!, template } });
    for (const set of old) {
      const { name } = set.metadata;
      await sets.apply({ name, spec: { ...set.spec, replicas: plan.get(name)! } });
    }
    const empty = old.filter((set) => set.spec.replicas === 0 && set.status?.replicas === 0);
    for (const set of empty.slice(0, -HISTORY_KEPT)) await sets.delete(set);

    await status(...report(object, current, all));
  },
});

function countsOf({ metadata, spec, status }: ReplicaSet): ReplicaCounts {
  return { name: metadata.name, replicas: spec.replicas, ready: status?.ready ?? 0 };
}

function byAge({ metadata: a }: ReplicaSet, { metadata: b }: ReplicaSet): number {
  return a.creationTimestamp < b.creationTimestamp || (a.creationTimestamp === b.creationTimestamp && a.name < b.name)
    ? -1
    : 1;
}

/** What a person wants to know of a Deployment: its counts, and the conditions Available, Progressing, ReplicaFailure. */
function report({ spec }: Deployment, current: ReplicaSet | undefined, all: readonly ReplicaSet[]) {
  const sum = (count: 'replicas' | 'ready'): number =>
    all.reduce((total, { status }) => total + (status?.[count] ?? 0), 0);
  const counts = { replicas: sum('replicas'), updated: current?.status?.replicas ?? 0, ready: sum('ready') };
  const available = counts.ready >= spec.replicas - spec.maxUnavailable;
  const complete = current?.status?.ready === spec.replicas && counts.replicas === spec.replicas;
  const failure = firstFailure(all);
  const progress = complete ? 'Complete' : failure.status ? 'HeldUp' : 'RollingOut';
  return [
    counts,
    {
      type: 'Available',
      status: available,
      reason: available ? 'EnoughReplicas' : 'TooFewReplicas',
      message: `${counts.ready} of ${spec.replicas} replicas answer`,
    },
    {
      type: 'Progressing',
      status: progress !== 'HeldUp',
      reason: progress,
      message: `${counts.updated} of ${spec.replicas} replicas are of the wanted version`,
    },
    failure,
  ] as const;
}
