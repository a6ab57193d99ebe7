import { cliKind, type Column, type Rollout } from '@setpoint/cli';
import type { Client } from 'setpoint';
import { controllerOf } from 'setpoint/resource';
import { Autoscaler, Deployment, Node, Process, ReplicaSet, Service } from './kinds.ts';
import { limitsOf } from './limits.ts';
import { processLogs } from './process-logs.ts';
import { byRevision, CHANGE_CAUSE, revisionOf } from './revisions.ts';

/** What the command line shows of the example's kinds: kubectl's columns, where there is something like them. */
const deployments: readonly Column<Deployment>[] = [
  { name: 'READY', value: ({ spec, status }) => `${status?.ready ?? 0}/${spec.replicas}` },
  { name: 'UP-TO-DATE', value: ({ status }) => status?.updated ?? 0 },
  { name: 'AVAILABLE', value: ({ status }) => status?.ready ?? 0 },
  { name: 'COMMAND', value: ({ spec }) => spec.template.command.join(' '), wide: true },
  { name: 'SELECTOR', value: ({ spec }) => labels(spec.template.labels), wide: true },
];

const replicaSets: readonly Column<ReplicaSet>[] = [
  { name: 'DESIRED', value: ({ spec }) => spec.replicas },
  { name: 'CURRENT', value: ({ status }) => status?.replicas ?? 0 },
  { name: 'READY', value: ({ status }) => status?.ready ?? 0 },
  { name: 'REVISION', value: (set) => revisionOf(set), wide: true },
];

const processes: readonly Column<Process>[] = [
  { name: 'READY', value: ({ status }) => (status?.ready ? '1/1' : '0/1') },
  { name: 'STATUS', value: statusOf },
  { name: 'RESTARTS', value: ({ status }) => status?.restarts ?? 0 },
  { name: 'NODE', value: ({ spec }) => spec.nodeName, wide: true },
  { name: 'PORT', value: ({ status }) => status?.port, wide: true },
  { name: 'PID', value: ({ status }) => status?.pid, wide: true },
];

const nodes: readonly Column<Node>[] = [
  {
    name: 'STATUS',
    value: ({ spec, status }) =>
      `${status?.ready ? 'Ready' : 'NotReady'}${spec.unschedulable ? ',SchedulingDisabled' : ''}`,
  },
  { name: 'CAPACITY', value: ({ spec }) => spec.capacity, wide: true },
  { name: 'ADDRESS', value: ({ status }) => status?.address, wide: true },
];

const services: readonly Column<Service>[] = [
  { name: 'ADDRESS', value: ({ status }) => (status?.port === undefined ? '<pending>' : `127.0.0.1:${status.port}`) },
  { name: 'ENDPOINTS', value: ({ status }) => status?.endpoints.length ?? 0 },
  { name: 'SELECTOR', value: ({ spec }) => labels(spec.selector), wide: true },
];

const autoscalers: readonly Column<Autoscaler>[] = [
  { name: 'REFERENCE', value: ({ spec }) => `Deployment/${spec.deployment}` },
  { name: 'TARGETS', value: ({ spec, status }) => `${status?.load ?? '<unknown>'}/${spec.targetLoad}` },
  { name: 'MINPODS', value: ({ spec }) => spec.minReplicas },
  { name: 'MAXPODS', value: ({ spec }) => spec.maxReplicas },
  { name: 'REPLICAS', value: ({ status }) => status?.currentReplicas ?? 0 },
];

const rollout: Rollout<Deployment> = {
  progress({ metadata, spec, status }) {
    const { replicas: total } = spec;
    const updated = status?.updated ?? 0;
    const ready = status?.ready ?? 0;
    const tell = (message: string, rest: { done?: boolean; failed?: boolean } = {}) => ({
      done: false,
      ...rest,
      message,
      current: Math.min(updated, ready),
      total,
    });
    if (status?.observedGeneration !== metadata.generation) return tell('the change has not been seen yet...');
    const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
    if (progressing?.reason === 'ProgressDeadlineExceeded')
      return tell('exceeded its progress deadline', { failed: true });
    if (updated < total) return tell(`${updated} out of ${total} new replicas have been updated...`);
    const old = (status?.replicas ?? 0) - updated;
    if (old > 0) return tell(`${old} old replicas are pending termination...`);
    if (ready < total) return tell(`${ready} of ${total} updated replicas are available...`);
    return tell('', { done: true });
  },
  async history(object, client) {
    const sets = await setsOf(object, client);
    return sets.map((set) => ({
      revision: revisionOf(set),
      cause: set.metadata.annotations?.[CHANGE_CAUSE],
      content: set.spec.template,
    }));
  },
  undo: ({ spec }, { content }) => ({ ...spec, template: content }),
  isPaused: ({ spec }) => spec.paused,
  pause: ({ spec }, paused) => ({ ...spec, paused }),
  restart: ({ spec }, now) => ({
    ...spec,
    template: {
      ...spec.template,
      annotations: { ...spec.template.annotations, 'example.setpoint.dev/restarted-at': now },
    },
  }),
};

async function setsOf({ metadata }: Deployment, client: Client): Promise<ReplicaSet[]> {
  const { items } = await client.resource(ReplicaSet).list({ namespace: metadata.namespace });
  return items.filter((set) => controllerOf(set.metadata)?.uid === metadata.uid).sort(byRevision);
}

/** The kinds with what the command line can do with them. */
export const cliKinds = [
  cliKind(Deployment, {
    columns: deployments,
    rollout,
    scale: { replicas: ({ spec }) => spec.replicas, to: ({ spec }, replicas) => ({ ...spec, replicas }) },
    details: describeDeployment,
  }),
  cliKind(ReplicaSet, { columns: replicaSets }),
  cliKind(Process, { columns: processes, logs: processLogs }),
  cliKind(Service, { columns: services }),
  cliKind(Autoscaler, { columns: autoscalers }),
  cliKind(Node, { columns: nodes }),
];

function describeDeployment({ spec, status }: Deployment): [string, string][] {
  const { maxSurge, maxUnavailable } = limitsOf(spec);
  const { template } = spec;
  const counts = [
    `${spec.replicas} desired`,
    `${status?.updated ?? 0} updated`,
    `${status?.replicas ?? 0} total`,
    `${status?.ready ?? 0} available`,
    `${Math.max(spec.replicas - (status?.ready ?? 0), 0)} unavailable`,
  ];
  return [
    ['Revision', String(status?.revision ?? '<none>')],
    ['Replicas', counts.join(' | ')],
    ['StrategyType', 'RollingUpdate'],
    ['RollingUpdate', `${maxUnavailable} max unavailable, ${maxSurge} max surge`],
    ['Paused', spec.paused ? 'yes' : 'no'],
    ['Command', template.command.join(' ')],
    ['Environment', lines(template.env)],
  ];
}

/** What kubectl would show of a pod: why it waits, where it does. */
function statusOf({ metadata, status }: Process): string {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { phase = 'Pending' } = status ?? {};
  if (phase !== 'BackOff') return phase;
  return status!.restarts > 0 ? 'CrashLoopBackOff' : 'Error';
}

function labels(map: Readonly<Record<string, string>>): string {
  return pairs(map).join(',') || '<none>';
}

function lines(map: Readonly<Record<string, string>>): string {
  return pairs(map).join('\n') || '<none>';
}

function pairs(map: Readonly<Record<string, string>>): string[] {
  return Object.entries(map).map(([key, value]) => `${key}=${value}`);
}
