import { createClient, type Logger, memoryStore, silentLogger } from 'setpoint';
import { FakeClock, interceptStore } from 'setpoint/testing';
import { afterEach, expect, it } from 'vitest';
import { Node } from '../kinds.ts';
import { nodeLeaseKey, ownHolder } from '../node-leases.ts';
import { agentMark } from './leftovers.ts';
import { keepPresent } from './node-presence.ts';

const clock = new FakeClock();
const intercepted = interceptStore(memoryStore({ clock }));
const { store } = intercepted;
const client = createClient({ store, clock });
const running: { readonly stop: AbortController; readonly over: Promise<void> }[] = [];

/** An agent that wants to be node `n`. */
function start(address: string) {
  const warnings: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (_facts: unknown, text?: string) => void warnings.push(String(text)),
  };
  const stop = new AbortController();
  const agent = { held: 0, warnings, stop };
  const options = { client, node: 'n', spec: { capacity: 1 }, address, mark: agentMark('n'), clock, logger };
  const over = keepPresent(options, () => void agent.held++, stop.signal);
  running.push({ stop, over });
  return agent;
}

afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await clock.advance(10_000);
  await Promise.all(running.splice(0).map(({ over }) => over));
  await store.delete({ prefix: '/registry/' });
});

it('of two agents with one node name only the first works; the second says so, and takes over when that ends', async () => {
  const first = start('http://first');
  await clock.advance(100);
  const second = start('http://second');
  await clock.advance(30_000);
  expect([first.held, second.held]).toEqual([1, 0]);
  expect(second.warnings).toEqual(['another agent is n: give this one a name of its own, or end that one']);
  expect((await client.resource(Node).get({ name: 'n' })).status).toMatchObject({
    ready: true,
    address: 'http://first',
  });

  first.stop.abort();
  await clock.advance(2_000);
  expect([first.held, second.held]).toEqual([1, 1]);
  expect((await client.resource(Node).get({ name: 'n' })).status).toMatchObject({ address: 'http://second' });
});

it('does not wait for an agent of this machine that was killed', async () => {
  const dead = ownHolder('n/4194304/1');
  await store.put({ key: nodeLeaseKey('/registry', 'n'), value: JSON.stringify(dead) });
  const agent = start('http://next');
  await clock.advance(100);
  expect([agent.held, agent.warnings]).toEqual([1, []]);
});

const key = nodeLeaseKey('/registry', 'n');
const holderOf = async () => (await store.range({ key })).kvs[0];

it('takes its own key along when its session is lost and the lease is not: the node is there all the while', async () => {
  const agent = start('http://n');
  await clock.advance(100);
  const before = await holderOf();
  const heard = intercepted.fail({ call: 'leaseKeepAlive', error: 'Unavailable', applied: true, times: Infinity });
  await clock.advance(4_200);
  expect(heard()).toBeGreaterThan(0);
  expect([agent.held, agent.warnings.filter((text) => text.startsWith('another agent'))]).toEqual([2, []]);
  const after = await holderOf();
  expect([after?.createRevision, after?.lease === before?.lease]).toEqual([before?.createRevision, false]);
  await clock.advance(30_000);
  expect([(await holderOf())?.createRevision, agent.held]).toEqual([before?.createRevision, 2]);
});

it.each([
  ['took away', () => store.delete({ key })],
  ['took off its lease', async () => store.put({ key, value: (await holderOf())!.value })],
])('takes its key again that a hand %s', async (_what, meddle) => {
  const agent = start('http://n');
  await clock.advance(100);
  await meddle();
  await clock.advance(5_000);
  expect([agent.held, (await holderOf())?.lease]).toEqual([2, expect.toSatisfy((lease) => lease > 0n)]);
  agent.stop.abort();
  await clock.advance(1_000);
  expect(await holderOf()).toBeUndefined();
});
