import { type Clock, createManager, defineController, memoryStore, type Store } from 'setpoint';
import type { SpecInputOf } from 'setpoint/resource';
import { Event } from 'setpoint/events';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createControlPlane } from './cluster.ts';
import { Autoscaler, Deployment, kinds, Node, Process, ReplicaSet } from './kinds.ts';
import { nodeLeaseKey } from './node-leases.ts';
import { agentFinalizer, EVICT_AFTER_MS } from './node-lifecycle.ts';

/** An agent that runs nothing: what is on a Node answers half a second later, and takes a second to stop. */
const pretendingAgent = (clock: Clock) => {
  const stoppingSince = new Map<string, number>();
  return defineController(Process, {
    name: 'pretending-agent',
    async finalize({ object, status }) {
      const { uid } = object.metadata;
      const since = stoppingSince.get(uid) ?? clock.now();
      stoppingSince.set(uid, since);
      const left = since + 1_000 - clock.now();
      if (left <= 0) return {};
      await status({ ...object.status, phase: 'Stopping', ready: true, restarts: 0 });
      return { requeueAfterMs: left };
    },
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
};

/** The controllers on virtual time: a minute passes in a moment, and every run is the same run. */
describe('the control plane of the deployment example', () => {
  let clock: FakeClock;
  let store: Store;
  let manager: ReturnType<typeof createManager>;
  let running: Promise<void>;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    const { controllers, runnables } = createControlPlane(store, '/registry', clock);
    manager = createManager({
      store,
      clock,
      random: seededRandom(1),
      resources: kinds,
      controllers: [...controllers, pretendingAgent(clock)],
      runnables,
    });
    running = manager.run(new AbortController().signal);
  });
  afterEach(async () => {
    const stopped = manager.stop();
    await clock.advance(60_000);
    await Promise.all([stopped, running]);
  });

  const deployments = () => manager.client.resource(Deployment);
  const apply = (replicas: number, version: string, limits: Partial<SpecInputOf<typeof Deployment>> = {}) =>
    deployments().apply({
      name: 'web',
      spec: { replicas, ...limits, template: { command: ['web'], env: { VERSION: version } } },
    });
  const deployment = () => deployments().get({ name: 'web' });
  const processes = async () => (await manager.client.resource(Process).list()).items;
  const sets = async () => (await manager.client.resource(ReplicaSet).list()).items;
  /** A Node with so much room, whose agent lives for as long as its lease key is there. */
  const join = async (name: string, capacity: number, room: { cpuMilli?: number } = {}): Promise<void> => {
    await manager.client.resource(Node).apply({ name, spec: { capacity, ...room } });
    await store.put({ key: nodeLeaseKey('/registry', name), value: '{}' });
    await clock.advance(100);
  };
  const leave = (name: string) => store.delete({ key: nodeLeaseKey('/registry', name) });
  const condition = async (type: string) => (await deployment()).status?.conditions?.find((each) => each.type === type);

  it('makes as many Processes as wanted, spreads them over the Nodes, and says so', async () => {
    await join('a', 10);
    await join('b', 10);
    await apply(4, 'v1');
    await clock.advance(5_000);
    expect((await processes()).map(({ spec }) => spec.nodeName).sort()).toEqual(['a', 'a', 'b', 'b']);
    expect((await deployment()).status).toMatchObject({ replicas: 4, updated: 4, ready: 4, observedGeneration: 1 });
  });

  it('tells as events what it does, in the words that users of Kubernetes know', async () => {
    await join('a', 10);
    await apply(2, 'v1');
    await clock.advance(5_000);
    await apply(1, 'v1');
    await leave('a');
    await clock.advance(2 * EVICT_AFTER_MS);
    const { items } = await manager.client.resource(Event).list();
    const told = items.map(({ spec: { type, reason, regarding, message } }) => {
      return `${type} ${reason} ${regarding.kind}: ${message}`.replaceAll(/web-\w+/g, 'web-HASH');
    });
    expect([...new Set(told)].sort()).toEqual([
      'Normal DeletingAllProcesses Node: Deleting all processes from Node a',
      'Normal NodeReady Node: Node a status is now: NodeReady',
      'Normal ScalingReplicaSet Deployment: Scaled down replica set web-HASH from 2 to 1',
      'Normal ScalingReplicaSet Deployment: Scaled up replica set web-HASH from 0 to 2',
      'Normal Scheduled Process: Successfully assigned default/web-HASH-0 to a',
      'Normal Scheduled Process: Successfully assigned default/web-HASH-1 to a',
      'Normal SuccessfulCreate ReplicaSet: Created process: web-HASH-0',
      'Normal SuccessfulCreate ReplicaSet: Created process: web-HASH-1',
      'Normal SuccessfulDelete ReplicaSet: Deleted process: web-HASH-1',
      'Warning FailedScheduling Process: no node has a living agent',
      'Warning NodeNotReady Node: Node a status is now: NodeNotReady',
    ]);
  });

  it('replaces a Process that is being stopped at once, without waiting for its end', async () => {
    await join('a', 10);
    await apply(2, 'v1');
    await clock.advance(5_000);
    const [victim] = await processes();
    await manager.client.resource(Process).delete(victim!);
    await clock.advance(100);
    const now = await processes();
    expect(now.filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toHaveLength(2);
    expect(now).toHaveLength(3);
    await clock.advance(5_000);
    expect(await processes()).toHaveLength(2);
  });

  it.each([
    { maxSurge: 1, maxUnavailable: 0 },
    { maxSurge: 0, maxUnavailable: 2 },
    { maxSurge: 2, maxUnavailable: 1 },
  ])('keeps to %o at every moment of a rollout', async (limits) => {
    await join('a', 100);
    await apply(5, 'v1', limits);
    await clock.advance(5_000);

    const cache = manager.informer(Process);
    let fewest = 5;
    let most = 5;
    const look = (): void => {
      const kept = cache.lister.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      fewest = Math.min(fewest, kept.filter(({ status }) => status?.ready === true).length);
      most = Math.max(most, kept.length);
    };
    cache.addEventHandler({ add: look, update: look, delete: look });
    await apply(5, 'v2', limits);
    await clock.advance(30_000);

    expect((await processes()).map(({ spec }) => spec.env['VERSION'])).toEqual(Array(5).fill('v2'));
    expect({ fewest, most }).toEqual({ fewest: 5 - limits.maxUnavailable, most: 5 + limits.maxSurge });
  });

  it('goes back to the ReplicaSet of an earlier version, and keeps only a few of them', async () => {
    await join('a', 100);
    const rollOut = async (version: string): Promise<string> => {
      await apply(1, version, { revisionHistoryLimit: 3 });
      await clock.advance(10_000);
      return (await sets()).find(({ spec }) => spec.replicas === 1)!.metadata.name;
    };
    const first = await rollOut('v1');
    expect(await rollOut('v2')).not.toBe(first);
    expect(await rollOut('v1')).toBe(first);
    for (const version of ['v3', 'v4', 'v5', 'v6']) await rollOut(version);
    expect((await sets()).map(({ spec }) => spec.template.env['VERSION']).sort()).toEqual(['v3', 'v4', 'v5', 'v6']);
  });

  it('says on the Deployment that no Node has room, and goes on when one has', async () => {
    await join('a', 1);
    await apply(2, 'v1');
    await clock.advance(5_000);
    const failure = (await deployment()).status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    expect(failure).toMatchObject({
      status: 'True',
      reason: 'FailedScheduling',
      message: expect.stringMatching(/none of 1 nodes/),
    });
    await join('b', 1);
    await clock.advance(5_000);
    expect((await deployment()).status).toMatchObject({ ready: 2 });
  });

  it('does not count on a Node whose lease is gone, and makes its Processes anew elsewhere', async () => {
    await join('a', 10);
    await apply(1, 'v1');
    await clock.advance(2_000);
    expect((await deployment()).status).toMatchObject({ ready: 1 });
    const [before] = await processes();
    await manager.client.resource(Process).addFinalizer(before!, agentFinalizer('a'));
    await join('b', 10);
    // The pretending agent would say at once that all is well again.
    manager.controller('pretending-agent').pause();
    await leave('a');
    await clock.advance(1_000);
    expect((await deployment()).status).toMatchObject({ ready: 0 });
    const [doubted] = await processes();
    expect(doubted!.status).toMatchObject({ phase: 'Unknown', ready: false });
    await clock.advance(EVICT_AFTER_MS);
    manager.controller('pretending-agent').resume();
    await clock.advance(5_000);
    expect((await processes()).map(({ spec }) => spec.nodeName)).toEqual(['b']);
    expect((await deployment()).status).toMatchObject({ ready: 1 });
    const node = await manager.client.resource(Node).get({ name: 'a' });
    expect(node.status?.conditions?.[0]).toMatchObject({
      type: 'Ready',
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
    });
  });

  it.each(['lives', 'is gone'])('drains a Node that is deleted, whose agent %s, and lets it go then', async (agent) => {
    await join('a', 10);
    await apply(2, 'v1');
    await clock.advance(2_000);
    if (agent === 'is gone') {
      manager.controller('pretending-agent').pause();
      for (const each of await processes()) {
        await manager.client.resource(Process).addFinalizer(each, agentFinalizer('a'));
      }
      await leave('a');
      await clock.advance(100);
    }
    const nodes = manager.client.resource(Node);
    await nodes.delete({ name: 'a' });
    await clock.advance(1_000);
    await join('b', 10);
    manager.controller('pretending-agent').resume();
    await clock.advance(5_000);
    expect((await processes()).map(({ spec }) => spec.nodeName)).toEqual(['b', 'b']);
    expect((await deployment()).status).toMatchObject({ ready: 2 });
    expect(await nodes.find({ name: 'a' })).toBeUndefined();
  });

  it('leaves a Node alone that comes back in time', async () => {
    await join('a', 10);
    await apply(2, 'v1');
    await clock.advance(2_000);
    await leave('a');
    await clock.advance(1_000);
    await join('a', 10);
    await clock.advance(10_000);
    expect((await processes()).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined, undefined]);
  });

  it('puts nothing on a Node that is unschedulable, or where its needs do not fit', async () => {
    await join('a', 10, { cpuMilli: 1_000 });
    await join('b', 10);
    await manager.client
      .resource(Node)
      .modify({ name: 'b' }, (node) => ({ ...node, spec: { ...node.spec, unschedulable: true } }));
    const needy = { command: ['web'], resources: { cpuMilli: 600, memoryMiB: 0 } };
    await deployments().apply({ name: 'web', spec: { replicas: 2, template: needy } });
    await clock.advance(5_000);
    expect((await processes()).map(({ spec }) => spec.nodeName)).toEqual(['a', undefined]);
    expect(await condition('ReplicaFailure')).toMatchObject({ status: 'True', reason: 'FailedScheduling' });
  });

  it('counts revisions, and gives the newest number to one that is gone back to', async () => {
    await join('a', 100);
    for (const version of ['v1', 'v2', 'v1']) {
      await apply(1, version);
      await clock.advance(10_000);
    }
    const revisions = (await sets()).map(({ metadata, spec }) => [spec.template.env['VERSION'], metadata.annotations]);
    expect(revisions.sort()).toEqual([
      ['v1', { 'example.setpoint.dev/revision': '3' }],
      ['v2', { 'example.setpoint.dev/revision': '2' }],
    ]);
    expect((await deployment()).status?.revision).toBe(3);
  });

  it('paused, it follows the number of replicas and not the template; resumed, it rolls out', async () => {
    await join('a', 100);
    await apply(2, 'v1');
    await clock.advance(5_000);
    await apply(3, 'v2', { paused: true });
    await clock.advance(10_000);
    expect((await processes()).map(({ spec }) => spec.env['VERSION'])).toEqual(['v1', 'v1', 'v1']);
    expect(await condition('Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
    await apply(3, 'v2', { paused: false });
    await clock.advance(20_000);
    expect((await processes()).map(({ spec }) => spec.env['VERSION'])).toEqual(['v2', 'v2', 'v2']);
    expect(await condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  it('says when a rollout gets no further for longer than its deadline, and takes it back when it does', async () => {
    await join('a', 1);
    await apply(2, 'v1', { progressDeadlineMs: 10_000 });
    await clock.advance(5_000);
    expect(await condition('Progressing')).toMatchObject({ status: 'True' });
    await clock.advance(10_000);
    expect(await condition('Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    await join('b', 1);
    await clock.advance(5_000);
    expect(await condition('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  it('takes limits as shares, up and down, and never stands still for them', async () => {
    await join('a', 100);
    await apply(3, 'v1', { maxSurge: '25%', maxUnavailable: '25%' });
    await clock.advance(5_000);
    await apply(3, 'v2', { maxSurge: '0%', maxUnavailable: '10%' });
    await clock.advance(30_000);
    expect((await processes()).map(({ spec }) => spec.env['VERSION'])).toEqual(['v2', 'v2', 'v2']);
  });

  it('scales by load: up at once, down only when that was wanted all along, and within its limits', async () => {
    await join('a', 100);
    await apply(1, 'v1');
    await clock.advance(5_000);
    await manager.client.resource(Autoscaler).create({
      name: 'web',
      spec: { deployment: 'web', minReplicas: 1, maxReplicas: 4, targetLoad: 10, stabilizationMs: 20_000 },
    });
    manager.controller('pretending-agent').pause();
    const load = async (value: number): Promise<void> => {
      for (const each of await processes()) {
        await manager.client.resource(Process).modifyStatus(each, ({ status }) => ({ ...status!, load: value }));
      }
    };
    await load(25);
    await clock.advance(2_000);
    expect((await deployment()).spec.replicas).toBe(3);
    manager.controller('pretending-agent').resume();
    await clock.advance(3_000);
    await load(100);
    await clock.advance(2_000);
    expect((await deployment()).spec.replicas).toBe(4);
    await clock.advance(3_000);
    await load(1);
    await clock.advance(10_000);
    expect((await deployment()).spec.replicas).toBe(4);
    await clock.advance(20_000);
    expect((await deployment()).spec.replicas).toBe(1);
  });

  it('leaves the number alone while the load is at its target, however many answer just then', async () => {
    await join('a', 100);
    await apply(4, 'v1', { maxSurge: 2 });
    await clock.advance(5_000);
    await manager.client.resource(Autoscaler).create({
      name: 'web',
      spec: { deployment: 'web', minReplicas: 1, maxReplicas: 9, targetLoad: 10, stabilizationMs: 0 },
    });
    manager.controller('pretending-agent').pause();
    const say = async (ready: (index: number) => boolean): Promise<void> => {
      for (const [index, each] of (await processes()).entries()) {
        const status = { phase: 'Running', ready: ready(index), restarts: 0, load: 10 } as const;
        await manager.client.resource(Process).modifyStatus(each, () => status);
      }
    };
    await say((index) => index > 0);
    await clock.advance(5_000);
    expect((await deployment()).spec.replicas).toBe(4);
    await say(() => true);
    await apply(4, 'v2', { maxSurge: 2 });
    await clock.advance(3_000);
    await say(() => true);
    await clock.advance(100);
    expect((await deployment()).spec.replicas).toBe(4);
  });

  it('does not wait for what is left of a Deployment of its name that was there before', async () => {
    await join('a', 10);
    await apply(2, 'v1');
    await clock.advance(2_000);
    const before = await processes();
    for (const each of before) await manager.client.resource(Process).addFinalizer(each, 'demo.dev/slow');
    await deployments().delete({ name: 'web' });
    await clock.advance(60_000);
    await apply(2, 'v1');
    await clock.advance(2_000);
    expect((await deployment()).status).toMatchObject({ ready: 2 });
    expect(await processes()).toHaveLength(4);
    for (const each of before) await manager.client.resource(Process).removeFinalizer(each, 'demo.dev/slow');
  });

  it('leaves nothing when a Deployment is deleted', async () => {
    await join('a', 10);
    await apply(3, 'v1');
    await clock.advance(5_000);
    await deployments().delete({ name: 'web' });
    await clock.advance(5_000);
    expect([await sets(), await processes()]).toEqual([[], []]);
  });
});
