import { type Clock, defineController } from 'setpoint';
import { controllerOf } from 'setpoint/resource';
import { Autoscaler, Deployment, Process, ReplicaSet } from './kinds.ts';

const LOOK_AGAIN_MS = 1_000;
/** A difference of less than this is left alone, as in Kubernetes. */
const TOLERANCE = 0.1;

/** How many of `replicas` there should be for the average load of those that are ready to come to the target. */
function wantedReplicas(replicas: number, ready: number, ratio: number): number {
  return ready === 0 || Math.abs(ratio - 1) <= TOLERANCE ? replicas : Math.ceil(ready * ratio);
}

/** Sets the replicas of a Deployment by the load that its Processes report: up at once, down only after a while. */
export function createAutoscaler(clock: Clock) {
  /** What was wanted lately, by the autoscaler's key. Lost with the process: then it only waits anew before shrinking. */
  const wishes = new Map<string, { readonly at: number; readonly replicas: number }[]>();

  return defineController(Autoscaler, {
    watches: [
      { resource: Deployment, map: () => [] },
      { resource: ReplicaSet, map: () => [] },
      { resource: Process, map: () => [] },
    ],
    gone: ({ key }) => void wishes.delete(key),
    async reconcile({ object, key, client, lister, status, event }) {
      const { deployment: name, minReplicas, maxReplicas, targetLoad, stabilizationMs } = object.spec;
      const deployment = lister(Deployment).get(`${object.metadata.namespace}/${name}`);
      if (!deployment) {
        const message = `there is no Deployment "${name}"`;
        const failed = { type: 'ScalingActive', status: false, reason: 'FailedGetScale', message };
        await status({ currentReplicas: 0, desiredReplicas: 0 }, failed);
        event({ type: 'Warning', reason: failed.reason, message });
        return { requeueAfterMs: LOOK_AGAIN_MS };
      }
      const sets = new Set(
        lister(ReplicaSet)
          .list()
          .filter((set) => controllerOf(set.metadata)?.uid === deployment.metadata.uid)
          .map(({ metadata }) => metadata.uid),
      );
      const loads = lister(Process)
        .list()
        .filter(({ metadata, status: its }) => its?.ready && sets.has(controllerOf(metadata)?.uid ?? ''))
        .map(({ status: its }) => its?.load ?? 0);
      const { replicas } = deployment.spec;
      const load = loads.length === 0 ? 0 : loads.reduce((sum, each) => sum + each, 0) / loads.length;
      const wish = wantedReplicas(replicas, loads.length, load / targetLoad);

      const now = clock.now();
      const recent = (wishes.get(key) ?? [{ at: now, replicas }]).filter(({ at }) => now - at <= stabilizationMs);
      recent.push({ at: now, replicas: wish });
      wishes.set(key, recent);
      const calmed = wish >= replicas ? wish : Math.min(replicas, Math.max(...recent.map((each) => each.replicas)));
      const desired = Math.max(minReplicas, Math.min(calmed, maxReplicas));
      if (desired !== replicas) {
        await client
          .resource(Deployment)
          .modify(deployment, (current) => ({ ...current, spec: { ...current.spec, replicas: desired } }));
        const why = desired > replicas ? 'the load is above its target' : 'the load is below its target';
        event({ reason: 'SuccessfulRescale', message: `New size: ${desired}; reason: ${why}` });
      }
      await status(
        { currentReplicas: loads.length, desiredReplicas: desired, load: Math.round(load) },
        {
          type: 'ScalingActive',
          status: true,
          reason: 'ValidMetricFound',
          message: `the average load is ${Math.round(load)}`,
        },
        {
          type: 'ScalingLimited',
          status: desired !== calmed,
          reason: desired === calmed ? 'DesiredWithinRange' : 'LimitReached',
          message: `between ${minReplicas} and ${maxReplicas}`,
        },
      );
      return { requeueAfterMs: LOOK_AGAIN_MS };
    },
  });
}
