import { type Clock, defineController, systemClock } from 'setpoint';
import type { EventInput } from 'setpoint/events';
import { deploymentReport } from './deployment-report.ts';
import { Deployment, ReplicaSet } from './kinds.ts';
import { limitsOf } from './limits.ts';
import { byRevision, nextRevision, revisionAnnotations } from './revisions.ts';
import { planRollout, type ReplicaCounts } from './rollout.ts';
import { templateHash } from './template-hash.ts';

/** Keeps one ReplicaSet for the wanted template and moves the replicas of earlier ones over to it, step by step. */
export function createDeploymentController(clock: Clock = systemClock) {
  return defineController(Deployment, {
    owns: [ReplicaSet],
    concurrency: 32,
    async reconcile({ object, owned, status, event }) {
      const { template, replicas, paused, revisionHistoryLimit } = object.spec;
      const sets = owned(ReplicaSet);
      const all = [...sets.list()].sort(byRevision);
      // A paused Deployment stays at the version it has: only its number of replicas is followed.
      const newest = paused ? all.at(-1) : undefined;
      const currentName = newest?.metadata.name ?? `${object.metadata.name}-${templateHash(template)}`;
      const current = all.find(({ metadata }) => metadata.name === currentName);
      const old = all.filter((set) => set !== current);

      const plan = paused
        ? planPaused(replicas, all)
        : planRollout({
            replicas,
            ...limitsOf(object.spec),
            current: current ? countsOf(current) : { name: currentName, replicas: 0, ready: 0 },
            old: old.map(countsOf),
          });
      const revision = nextRevision(current, old);
      if (current || !paused) {
        const wanted = plan.get(currentName) ?? 0;
        await sets.apply({
          name: currentName,
          annotations: revisionAnnotations(object, revision),
          spec: { replicas: wanted, template: newest?.spec.template ?? template },
        });
        tellScaling(event, currentName, current?.spec.replicas ?? 0, wanted);
      }
      for (const set of old) {
        const { name } = set.metadata;
        const wanted = plan.get(name)!;
        await sets.apply({ name, spec: { ...set.spec, replicas: wanted } });
        tellScaling(event, name, set.spec.replicas, wanted);
      }
      const empty = old.filter((set) => set.spec.replicas === 0 && set.status?.replicas === 0);
      for (const set of empty.slice(0, Math.max(0, empty.length - revisionHistoryLimit))) await sets.delete(set);

      const report = deploymentReport({ object, current, all, revision, now: clock.wallNow() });
      await status(...report.status);
      return report.lookAgainInMs === undefined ? {} : { requeueAfterMs: report.lookAgainInMs };
    },
  });
}

function tellScaling(event: (event: EventInput) => void, set: string, from: number, to: number): void {
  if (from === to) return;
  const direction = to > from ? 'up' : 'down';
  event({ reason: 'ScalingReplicaSet', message: `Scaled ${direction} replica set ${set} from ${from} to ${to}` });
}

function countsOf({ metadata, spec, status }: ReplicaSet): ReplicaCounts {
  const { ready = 0, replicas: existing = 0 } = status ?? {};
  return { name: metadata.name, replicas: spec.replicas, ready, existing };
}

/** While it is paused the newest set takes up every difference, and the others give up only what is too many. */
function planPaused(replicas: number, all: readonly ReplicaSet[]): ReadonlyMap<string, number> {
  const plan = new Map<string, number>();
  let left = replicas;
  const newest = all.at(-1);
  for (const set of all.slice(0, -1)) {
    plan.set(set.metadata.name, Math.min(set.spec.replicas, left));
    left -= plan.get(set.metadata.name)!;
  }
  if (newest) plan.set(newest.metadata.name, left);
  return plan;
}
