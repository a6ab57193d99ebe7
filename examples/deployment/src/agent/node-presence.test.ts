import { createClient, type Logger, memoryStore, silentLogger } from 'setpoint';
import { FakeClock } from 'setpoint/testing';
import { afterEach, expect, it } from 'vitest';
import { Node } from '../kinds.ts';
import { nodeLeaseKey, ownHolder } from '../node-leases.ts';
import { agentMark } from './leftovers.ts';
import { keepPresent } from './node-presence.ts';

const clock = new FakeClock();
const store = memoryStore({ clock });
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
