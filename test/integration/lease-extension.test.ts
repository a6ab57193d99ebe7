import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { lock, openSession } from 'setpoint/coordination';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';

const TTL_SECONDS = 4;
const newest = (await availableEtcds()).at(-1)!;

let server: EtcdServer;
beforeAll(async () => {
  server = await startEtcd({ version: newest, members: 3 });
}, 60_000);
afterAll(() => server?.dispose());

it("I-146: a change of etcd's leader gives every lease its whole time again: a TTL is how long a successor waits at least", async () => {
  const store = etcdStore({ endpoints: server.endpoints });
  const dying = etcdStore({ endpoints: server.endpoints });
  const own = await openSession({ store: dying, ttlSeconds: TTL_SECONDS });
  const held = await lock(own, 'l');
  const next = lock(await openSession({ store, ttlSeconds: 30 }), 'l', { timeoutMs: 60_000 });
  await dying.close();
  await wait(TTL_SECONDS * 500);
  const leader = (await store.status()).find(({ memberId, leaderId }) => memberId === leaderId)!;
  await server.members[server.endpoints.indexOf(leader.endpoint)]!.kill();
  const killedAt = performance.now();

  const successor = await next;
  // Without the change it would have waited for half as long.
  expect(performance.now() - killedAt).toBeGreaterThan(TTL_SECONDS * 1000);
  expect(successor.token > held.token).toBe(true);
  // The old holder knew nothing of that, and stopped by its own deadline.
  expect(own.alive).toBe(false);
  expect(held.held).toBe(false);
  await store.close();
}, 120_000);
