import { firstFailure } from './failures.ts';
import type { Deployment, ReplicaSet } from './kinds.ts';
import { limitsOf } from './limits.ts';

interface Seen {
  readonly object: Deployment;
  /** The ReplicaSet of the wanted version. */
  readonly current: ReplicaSet | undefined;
  readonly all: readonly ReplicaSet[];
  readonly revision: number;
  readonly now: number;
}

/** What a person wants to know of a Deployment: its counts, and the conditions that users of Kubernetes know. */
export function deploymentReport({ object, current, all, revision, now }: Seen) {
  const { spec, status: before } = object;
  const sum = (count: 'replicas' | 'ready'): number =>
    all.reduce((total, { status }) => total + (status?.[count] ?? 0), 0);
  const counts = {
    replicas: sum('replicas'),
    updated: current?.status?.replicas ?? 0,
    ready: sum('ready'),
    ...(current && { revision }),
  };
  const complete = current?.status?.ready === spec.replicas && counts.replicas === spec.replicas;
  const same = (['replicas', 'updated', 'ready', 'revision'] as const).every((name) => before?.[name] === counts[name]);
  const progressedAt = same && before?.progressedAt !== undefined ? before.progressedAt : new Date(now).toISOString();
  const leftMs = Date.parse(progressedAt) + spec.progressDeadlineMs - now;
  const waiting = !complete && !spec.paused;
  return {
    status: [
      { ...counts, progressedAt },
      availability(spec, counts.ready),
      progress({
        name: object.metadata.name,
        spec,
        current,
        complete,
        late: waiting && leftMs <= 0,
        updated: counts.updated,
      }),
      firstFailure(all),
    ] as const,
    /** When the deadline may have passed: nothing else calls then. */
    lookAgainInMs: waiting && leftMs > 0 ? leftMs : undefined,
  };
}

function availability(spec: Deployment['spec'], ready: number) {
  const available = ready >= spec.replicas - limitsOf(spec).maxUnavailable;
  return {
    type: 'Available',
    status: available,
    reason: available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `${ready} of ${spec.replicas} replicas answer`,
  };
}

interface Progress {
  readonly name: string;
  readonly spec: Deployment['spec'];
  readonly current: ReplicaSet | undefined;
  readonly complete: boolean;
  readonly late: boolean;
  readonly updated: number;
}

function progress({ name, spec, current, complete, late, updated }: Progress) {
  const set = `ReplicaSet "${current?.metadata.name ?? name}"`;
  const tell = (status: boolean | 'Unknown', reason: string, message: string) => ({
    type: 'Progressing',
    status,
    reason,
    message,
  });
  if (spec.paused) return tell('Unknown', 'DeploymentPaused', 'Deployment is paused');
  if (complete) return tell(true, 'NewReplicaSetAvailable', `${set} has successfully progressed.`);
  if (late) return tell(false, 'ProgressDeadlineExceeded', `${set} has timed out progressing.`);
  if (!current) return tell(true, 'NewReplicaSetCreated', `Created new ${set}`);
  return tell(true, 'ReplicaSetUpdated', `${set} is progressing: ${updated} of ${spec.replicas} replicas are updated.`);
}
