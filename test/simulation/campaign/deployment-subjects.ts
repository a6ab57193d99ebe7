import { type Clock, defineController } from 'setpoint';
import {
  type ExploreOptions,
  FAULT_KINDS,
  law,
  noOrphans,
  type SimulatedUser,
  type WorldState,
} from 'setpoint/testing';
import { createDeploymentController } from '../../../examples/deployment/src/deployment-controller.ts';
import { Deployment, kinds, Node, Process, ReplicaSet } from '../../../examples/deployment/src/kinds.ts';
import { replicaSetController } from '../../../examples/deployment/src/replicaset-controller.ts';
import { createScheduler } from '../../../examples/deployment/src/scheduler.ts';

/** Faults after which the store itself says what is not so: it leaves events out, or goes back to a backup. */
const LYING = new Set<string>(['lose', 'restore']);
const HONEST = FAULT_KINDS.filter((kind) => kind !== 'travel' && !LYING.has(kind));

const template = (version: string) => ({ command: ['web'], env: { VERSION: version } });

/** An agent that runs nothing: what is on a Node answers half a second later, and is gone when it is told to stop. */
const pretendingAgent = () =>
  defineController(Process, {
    name: 'pretending-agent',
    finalize: () => {},
    async reconcile({ object, status }) {
      if (object.spec.nodeName === undefined || object.status?.ready === true) return {};
      if (object.status?.phase !== 'Starting') {
        await status({ phase: 'Starting', ready: false, restarts: 0 });
        return { requeueAfterMs: 500 };
      }
      await status(
        { phase: 'Running', ready: true, restarts: 0, pid: 1, port: 1 },
        { type: 'ReplicaFailure', status: false, reason: 'NoFailure', message: '' },
      );
      return {};
    },
  });

const alive = (state: WorldState): ReturnType<typeof processes> =>
  processes(state).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const processes = (state: WorldState) => state.list(Process);

/** Processes of a ReplicaSet that somebody deleted are no Deployment's any more: the collector takes them, when it comes. */
const ofReplicaSets = (state: WorldState): ReturnType<typeof alive> => {
  const uids = new Set(state.list(ReplicaSet).map(({ metadata }) => metadata.uid));
  return alive(state).filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid)));
};

async function addNode(user: SimulatedUser, name: string, capacity: number): Promise<void> {
  await user.apply(Node, { name, spec: { capacity } });
  await user.modifyStatus(Node, name, () => ({ ready: true }));
}

const withoutDeletions = (state: WorldState): boolean =>
  state.all().every(({ metadata }) => metadata.deletionTimestamp === undefined);

/** ReplicaSets alone: as many Processes as wanted, of the same names however often it is interrupted. */
export const replicaSets: ExploreOptions = {
  name: 'replicaset',
  controllers: () => [replicaSetController],
  resources: [Process],
  async scenario(user) {
    await user.create(ReplicaSet, { name: 'web', spec: { replicas: 2, template: template('1') } });
    await user.modify(ReplicaSet, 'web', () => ({ spec: { replicas: 3, template: template('1') } }));
    await user.delete(Process, 'web-0', { soon: true });
    await user.modify(ReplicaSet, 'web', () => ({ spec: { replicas: 1, template: template('1') } }));
    await user.deleteAndRest(ReplicaSet, 'web');
  },
  matches: (state) => {
    const wanted = state.list(ReplicaSet).reduce((sum, { spec }) => sum + spec.replicas, 0);
    return alive(state).length === wanted && noOrphans(Process).check(state) === true;
  },
  always: [law('at most three', (state) => alive(state).length <= 3)],
};

/** One that is made again while Processes of the one before are still there: they are no Processes of it. */
export const madeAgain: ExploreOptions = {
  ...replicaSets,
  name: 'replicaset-again',
  async scenario(user) {
    await user.create(ReplicaSet, { name: 'web', spec: { replicas: 3, template: template('1') } });
    await user.delete(ReplicaSet, 'web');
    await user.create(ReplicaSet, { name: 'web', spec: { replicas: 1, template: template('2') } }, { soon: true });
    await user.modify(ReplicaSet, 'web', ({ spec }) => ({ spec: { ...spec, replicas: 2 } }));
  },
  always: [law('at most three of the one that is there', (state) => ofReplicaSets(state).length <= 3)],
  faults: HONEST,
  // A Process takes the first name that is free, which depends on how much of the one before has gone.
  sameEnd: false,
  noExtraCreates: false,
};

const clockOf = ({ clock }: { readonly clock: Clock }): Clock => clock;

/** Processes and Nodes: each Process gets a Node once, and no Node more than it takes. */
export const scheduling: ExploreOptions = {
  name: 'scheduler',
  controllers: (environment) => [createScheduler(clockOf(environment))],
  resources: [Node],
  async scenario(user) {
    await addNode(user, 'one', 1);
    for (const name of ['p', 'q']) await user.create(Process, { name, spec: template('1') }, { soon: true });
    await addNode(user, 'two', 2);
    await user.delete(Process, 'p');
  },
  matches: (state) => {
    const room = state.list(Node).reduce((sum, node) => sum + (node.status ? node.spec.capacity : 0), 0);
    const placed = processes(state).filter(({ spec }) => spec.nodeName !== undefined).length;
    return placed === Math.min(processes(state).length, room);
  },
  always: [
    law('no Node has more than it takes', (state) =>
      state
        .list(Node)
        .every(
          ({ metadata, spec }) =>
            processes(state).filter((each) => each.spec.nodeName === metadata.name).length <= spec.capacity,
        ),
    ),
  ],
  // Which of two Nodes takes a Process depends on which was seen first.
  sameEnd: false,
};

/** The whole line: Deployment, ReplicaSets, Processes, scheduler, an agent that pretends, the garbage collector. */
export const deployments: ExploreOptions = {
  name: 'deployment',
  controllers: (environment) => [
    createDeploymentController(clockOf(environment)),
    replicaSetController,
    createScheduler(clockOf(environment)),
    pretendingAgent(),
  ],
  resources: kinds,
  async scenario(user) {
    await addNode(user, 'one', 10);
    await user.create(Deployment, { name: 'web', spec: { replicas: 2, template: template('1') } });
    await user.modify(Deployment, 'web', ({ spec }) => ({ spec: { ...spec, template: template('2') } }));
    await user.delete(Deployment, 'web');
  },
  matches: (state) => {
    const wanted = state.list(Deployment);
    if (!withoutDeletions(state)) return 'something is still being deleted';
    if (wanted.length === 0) return alive(state).length === 0 && state.list(ReplicaSet).length === 0;
    return wanted.every(({ spec }) => {
      const version = spec.template.env['VERSION'];
      const right = alive(state).filter((each) => each.spec.env['VERSION'] === version && each.status?.ready);
      return right.length === spec.replicas && alive(state).length === spec.replicas;
    });
  },
  always: [law('at most one more than wanted', (state) => ofReplicaSets(state).length <= 3)],
  // Who was not told of the old ReplicaSet can't count its Processes: see `adrift`.
  faults: HONEST,
  sameEnd: false,
  // A Process takes the first free name: which one is taken again depends on when it was counted.
  noExtraCreates: false,
};

/** A store that lost events, or is a backup of itself: for a while there may be too many, and in the end it is right. */
export const adrift: ExploreOptions = {
  ...deployments,
  name: 'deployment-adrift',
  always: [],
  faults: ['lose', 'restore', 'crash-before', 'delay', 'compact', 'restart', 'hold'],
};
