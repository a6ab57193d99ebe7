import { type Clock, createManager, defineController, memoryStore } from 'setpoint';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentController } from './deployment-controller.ts';
import { Deployment, kinds, Node, Process, ReplicaSet } from './kinds.ts';
import { NODE_SILENT_MAX_MS } from './node-health.ts';
import { createNodeMonitor } from './node-monitor.ts';
import { replicaSetController } from './replicaset-controller.ts';
import { createScheduler } from './scheduler.ts';

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
  let manager: ReturnType<typeof createManager>;
  let running: Promise<void>;

  beforeEach(() => {
    clock = new FakeClock();
    manager = createManager({
      store: memoryStore({ clock }),
      clock,
      random: seededRandom(1),
      resources: kinds,
      controllers: [
        deploymentController,
        replicaSetController,
        createScheduler(clock),
        createNodeMonitor(clock),
        pretendingAgent(clock),
      ],
    });
    running = manager.run(new AbortController().signal);
  });
  afterEach(async () => {
    const stopped = manager.stop();
    await clock.advance(60_000);
    await Promise.all([stopped, running]);
  });

  const deployments = () => manager.client.resource(Deployment);
  const apply = (replicas: number, version: string, limits: { maxSurge?: number; maxUnavailable?: number } = {}) =>
    deployments().apply({
      name: 'web',
      spec: { replicas, ...limits, template: { command: ['web'], env: { VERSION: version } } },
    });
  const deployment = () => deployments().get({ name: 'web' });
  const processes = async () => (await manager.client.resource(Process).list()).items;
  const sets = async () => (await manager.client.resource(ReplicaSet).list()).items;
  const beat = async (node: string, capacity: number, heartbeat: string): Promise<void> => {
    await manager.client.resource(Node).apply({ name: node, spec: { capacity } });
    await manager.client.resource(Node).modifyStatus({ name: node }, () => ({ heartbeat }));
  };
  const FOR_EVER = '2030-01-01T00:00:00Z';

  it('makes as many Processes as wanted, spreads them over the Nodes, and says so', async () => {
    await beat('a', 10, FOR_EVER);
    await beat('b', 10, FOR_EVER);
    await apply(4, 'v1');
    await clock.advance(5_000);
    expect((await processes()).map(({ spec }) => spec.nodeName).sort()).toEqual(['a', 'a', 'b', 'b']);
    expect((await deployment()).status).toMatchObject({ replicas: 4, updated: 4, ready: 4, observedGeneration: 1 });
  });

  it('replaces a Process that is being stopped at once, without waiting for its end', async () => {
    await beat('a', 10, FOR_EVER);
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
    await beat('a', 100, FOR_EVER);
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
    await beat('a', 100, FOR_EVER);
    const rollOut = async (version: string): Promise<string> => {
      await apply(1, version);
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
    await beat('a', 1, FOR_EVER);
    await apply(2, 'v1');
    await clock.advance(5_000);
    const failure = (await deployment()).status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    expect(failure).toMatchObject({
      status: 'True',
      reason: 'NoNode',
      message: expect.stringMatching(/none of 1 nodes/),
    });
    await beat('b', 1, FOR_EVER);
    await clock.advance(5_000);
    expect((await deployment()).status).toMatchObject({ ready: 2 });
  });

  it('does not count on a Node that has gone silent', async () => {
    await beat('a', 10, new Date(clock.wallNow()).toISOString());
    await apply(1, 'v1');
    await clock.advance(2_000);
    expect((await deployment()).status).toMatchObject({ ready: 1 });
    // The pretending agent would say at once that all is well again.
    manager.controller('pretending-agent').pause();
    await clock.advance(NODE_SILENT_MAX_MS);
    expect((await deployment()).status).toMatchObject({ ready: 0 });
    const [process] = await processes();
    expect(process!.status).toMatchObject({ phase: 'Unknown', ready: false });
  });

  it('leaves nothing when a Deployment is deleted', async () => {
    await beat('a', 10, FOR_EVER);
    await apply(3, 'v1');
    await clock.advance(5_000);
    await deployments().delete({ name: 'web' });
    await clock.advance(5_000);
    expect([await sets(), await processes()]).toEqual([[], []]);
  });
});
