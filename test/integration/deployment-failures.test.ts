import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, memoryStore, type Store } from 'setpoint';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ownPrograms } from '../../examples/deployment/src/agent/leftovers.ts';
import { startCluster } from '../../examples/deployment/src/cluster.ts';
import { Deployment, kinds, Process } from '../../examples/deployment/src/kinds.ts';
import { applyManifests, readManifestFile } from '@setpoint/cli';
import { Outside, until } from '../../examples/deployment/src/outside.ts';
import { built, manifests } from './deployment-example.ts';

const NODE = `failures-${process.pid}`;
const GOOD = ['node', 'helloworld.js'];
const V1 = { version: 'v1', message: 'hello, world' };
const PATIENCE_MS = 20_000;

describe('the deployment example, given what can not work', () => {
  let store: Store;
  let client: Client;
  let running: Promise<void>;
  let stop: AbortController;
  let outside: Outside;

  beforeEach(() => {
    store = memoryStore();
    stop = new AbortController();
    ({ client, running } = startCluster({
      store,
      prefix: '/registry',
      nodes: [NODE],
      directory: built,
      signal: stop.signal,
    }));
    outside = new Outside(client, () => ownPrograms(NODE));
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await store.close();
    expect(ownPrograms(NODE)).toEqual([]);
  });

  const apply = (
    name: string,
    spec: {
      replicas?: number;
      maxUnavailable?: number;
      template: { command: string[]; env?: Record<string, string>; port?: number; readyTimeoutMs?: number };
    },
  ) => client.resource(Deployment).apply({ name, spec });
  const conditions = async (name: string): Promise<Record<string, string>> => {
    const { status } = await client.resource(Deployment).get({ name });
    return Object.fromEntries(
      (status?.conditions ?? []).map(({ type, status: holds, reason }) => [type, `${holds} ${reason}`]),
    );
  };
  const failure = async (name: string): Promise<string | undefined> => {
    const { status } = await client.resource(Deployment).get({ name });
    const condition = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    return condition?.status === 'True' ? `${condition.reason}: ${condition.message}` : undefined;
  };
  const untilFailure = async (name: string): Promise<string> => {
    let said: string | undefined;
    const look = async (): Promise<string | undefined> => {
      said = await failure(name);
      return said === undefined ? `${name} says nothing of a failure` : undefined;
    };
    await until(look, PATIENCE_MS, stop.signal);
    return said!;
  };
  const untilWell = (name: string, count: number, expected = V1) =>
    until(() => outside.whyNot(name, count, expected), PATIENCE_MS, stop.signal);

  it.each([
    ['command-not-found', /^CommandNotFound: command-not-found-\w+-0: there is no program 'no-such-program'/],
    [
      'crash-at-start',
      /^Exited: crash-at-start-\w+-0: it exited with code 3: helloworld v1 was asked to crash: on purpose/,
    ],
  ])('tells of %s in the conditions of the Deployment, and does not try in a hot loop', async (name, message) => {
    await applyManifests(client, await readManifestFile(`${manifests}broken/${name}.yaml`, kinds));
    expect(await untilFailure(name)).toMatch(message);
    const unwell = { Available: 'False MinimumReplicasUnavailable', Progressing: 'True ReplicaSetUpdated' };
    await vi.waitFor(async () => expect(await conditions(name)).toMatchObject(unwell), PATIENCE_MS);

    const { revision: before } = await store.range({ key: '/' });
    await sleep(2_500);
    const { items } = await client.resource(Process).list();
    expect(items).toHaveLength(1);
    // Waits of 0.5 s, 1 s and 2 s: two or three restarts fit.
    expect(items[0]!.status?.restarts).toBeLessThanOrEqual(3);
    const { revision: after } = await store.range({ key: '/' });
    expect(Number(after - before)).toBeLessThan(40);

    await apply(name, { template: { command: GOOD } });
    await untilWell(name, 1);
    const well = {
      Available: 'True MinimumReplicasAvailable',
      Progressing: 'True NewReplicaSetAvailable',
      ReplicaFailure: 'False NoFailure',
    };
    await vi.waitFor(async () => expect(await conditions(name)).toEqual(well), PATIENCE_MS);
  });

  it('tells of a port that is in use, and recovers when it is free', async () => {
    const squatter: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { port } = squatter.address() as AddressInfo;
    await apply('web', { template: { command: GOOD, port } });
    expect(await untilFailure('web')).toMatch(
      new RegExp(`^PortInUse: web-\\w+-0: port ${port} is used by another program`),
    );
    await new Promise((resolve) => squatter.close(resolve));
    await untilWell('web', 1);
    expect((await outside.processes())[0]!.status).toMatchObject({ port, ready: true });
    await vi.waitFor(async () => expect(await failure('web')).toBeUndefined(), PATIENCE_MS);
  });

  it('tells of a program that never gets ready', async () => {
    await apply('mute', { template: { command: ['node', '-e', 'setInterval(() => {}, 1000)'], readyTimeoutMs: 300 } });
    expect(await untilFailure('mute')).toMatch(
      /^NotReadyInTime: mute-\w+-0: it did not say within 300 ms that it is ready/,
    );
  });

  it('keeps the old version in service while the new one is broken, and goes back when told to', async () => {
    await apply('web', { replicas: 2, template: { command: GOOD } });
    await untilWell('web', 2);
    await apply('web', { replicas: 2, template: { command: ['no-such-program'] } });
    expect(await untilFailure('web')).toMatch(/^CommandNotFound/);
    expect(await conditions('web')).toMatchObject({
      Available: 'True MinimumReplicasAvailable',
      Progressing: 'True ReplicaSetUpdated',
    });
    expect(await outside.hellos()).toHaveLength(2);

    await apply('web', { replicas: 2, template: { command: GOOD } });
    await untilWell('web', 2);
  });

  it('ends a program that ignores SIGTERM once its grace is over', async () => {
    const script = `process.on('SIGTERM', () => {}); process.send({ type: 'ready', port: 1 }); setInterval(() => {}, 1000)`;
    await client.resource(Deployment).apply({
      name: 'stubborn',
      spec: { template: { command: ['node', '-e', script], stopGraceMs: 200 } },
    });
    await until(
      async () => ((await outside.processes())[0]?.status?.ready ? undefined : 'it is not ready'),
      PATIENCE_MS,
      stop.signal,
    );
    const [{ status }] = (await outside.processes()) as [Process];
    await client.resource(Deployment).delete({ name: 'stubborn' });
    await until(() => outside.whyNotGone([status!.pid!]), PATIENCE_MS, stop.signal);
  });
});
