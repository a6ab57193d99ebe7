import { readFileSync } from 'node:fs';
import { defineController, defineResource, memoryStore } from 'setpoint';
import {
  buildCondition,
  buildObject,
  createTestManager,
  interceptStore,
  setpointMatchers,
  type SetpointMatchers,
  startManagedEtcd,
} from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

declare module 'vitest' {
  interface Matchers<T> extends SetpointMatchers<T> {}
}
expect.extend(setpointMatchers);

const names = { group: 'demo.dev', version: 'v1' } as const;
const Server = defineResource({ ...names, kind: 'Server', plural: 'servers', spec: z.object({ message: z.string() }) });
const Website = defineResource({
  ...names,
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ replicas: z.int().default(1), message: z.string().default('hi') }),
  status: z.object({ ready: z.int() }),
});
const websites = defineController(Website, {
  owns: [Server],
  async reconcile({ object, owned, status }) {
    const servers = owned(Server);
    for (let index = 0; index < object.spec.replicas; index++) {
      await servers.apply({ name: `${object.metadata.name}-${index}`, spec: { message: object.spec.message } });
    }
    const ready = servers.list().length;
    await status({ ready }, { type: 'Available', status: ready > 0, reason: 'Counted', message: `${ready} up` });
  },
});

it('I-202: a first test, as the guide shows it, has fewer than 15 lines and takes less than a second', async () => {
  const guide = readFileSync(new URL('../../../../docs/guides/testing.md', import.meta.url), 'utf8');
  const [, first] = /## A first test\n\n```ts\n([^`]*)```/.exec(guide)!;
  expect(first!.trimEnd().split('\n').length).toBeLessThan(15);
  const before = process.cpuUsage();
  const world = await createTestManager({ controllers: [websites] });
  await world.create(Website, { name: 'a', spec: { replicas: 2 } });
  await world.settled();
  expect(await world.list(Server)).toHaveLength(2);
  const { user, system } = process.cpuUsage(before);
  // Time of the processor: a test may wait for one as long as others have it.
  expect((user + system) / 1000).toBeLessThan(1000);
});

it('looks at owners and conditions', async () => {
  const world = await createTestManager({ controllers: [websites] });
  const site = await world.create(Website, { name: 'a', spec: { replicas: 2 } });
  await world.settled();
  expect((await world.list(Server))[0]).toBeControlledBy(site);
  expect(await world.get(Website, 'a')).toHaveCondition('Available', true, { reason: 'Counted' });
});

describe('createTestManager', () => {
  it('skips the back-off of failures, and stops without leaving a timer', async () => {
    let left = 8;
    const failing = defineController(Website, {
      reconcile() {
        if (left-- > 0) throw new Error('not yet');
      },
    });
    const world = await createTestManager({ controllers: [failing] });
    await world.create(Website, { name: 'a', spec: {} });
    await world.settled();
    expect(left).toBe(-1);
    expect(world.reports.filter(({ outcome }) => outcome.type === 'error')).toHaveLength(8);
    await world.stop();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('says what goes on when there is no rest', async () => {
    const restless = defineController(Website, {
      async reconcile({ object, status }) {
        await status({ ready: (object.status?.ready ?? 0) + 1 });
        return { requeueAfterMs: 500 };
      },
    });
    const world = await createTestManager({ controllers: [restless] });
    await world.create(Website, { name: 'a', spec: {} });
    await expect(world.settled({ withinMs: 10_000, attemptsMax: Infinity })).rejects.toThrow(
      /no rest within 10000 ms.*websites of default\/a/,
    );
  });

  it('I-203: says plainly, and within a bound, that what makes a new object in each run never comes to rest', async () => {
    let made = 0;
    const endless = defineController(Website, {
      owns: [Server],
      reconcile: async ({ owned }) => void (await owned(Server).create({ name: `s-${made++}`, spec: { message: '' } })),
    });
    const world = await createTestManager({ controllers: [endless] });
    await world.create(Website, { name: 'a', spec: {} });
    await expect(world.settled({ attemptsMax: 100 })).rejects.toThrow(
      /no rest after \d+ reconciles of one key.*websites of default\/a.*makes something new/,
    );
    expect(made).toBeLessThan(2000);
  }, 180_000);

  it('rejects when the start fails, instead of hanging', async () => {
    const { store, fail } = interceptStore(memoryStore());
    fail({ call: 'range', times: Infinity });
    await expect(createTestManager({ store, resources: [Website] })).rejects.toMatchObject({ code: 'Timeout' });
  });
});

describe('interceptStore', () => {
  it('fails the n-th call that matches, and the reconciler gets over it', async () => {
    const { store, fail, calls } = interceptStore(memoryStore());
    const world = await createTestManager({ controllers: [websites], store });
    const end = fail({ call: 'txn', key: '/servers/', nth: 2 });
    await world.create(Website, { name: 'a', spec: { replicas: 3 } });
    await world.settled();
    expect(await world.list(Server)).toHaveLength(3);
    expect(end()).toBe(1);
    expect(calls.filter(({ failedWith }) => failedWith !== undefined)).toMatchObject([
      { call: 'txn', keys: ['/registry/servers/default/a-1'], failedWith: { code: 'Unavailable' } },
    ]);
  });

  it('loses a reply: the write took effect, and the caller is told that nobody knows', async () => {
    const { store, fail } = interceptStore(memoryStore());
    fail({ call: 'put', error: 'OutcomeUnknown' });
    await expect(store.put({ key: 'a', value: '1' })).rejects.toMatchObject({ code: 'OutcomeUnknown' });
    expect((await store.range({ key: 'a' })).kvs).toHaveLength(1);
    expect(() => fail({ nth: 0 })).toThrow(/count from 1/);
  });
});

describe('builders and matchers', () => {
  const site = buildObject(Website, {
    name: 'a',
    spec: {},
    status: { ready: 0, conditions: [buildCondition('Available', false, { message: 'none up' })] },
  });

  it('builds a whole object, the same every time, and refuses a spec that the schema does', () => {
    expect(site).toMatchObject({ kind: 'Website', spec: { replicas: 1, message: 'hi' }, status: { ready: 0 } });
    expect(site.metadata).toEqual(buildObject(Website, { name: 'a', spec: {} }).metadata);
    expect(buildObject(Server, { name: 's', owner: site, deleting: true, spec: { message: '' } })).toBeControlledBy(
      site,
    );
    expect(() => buildObject(Website, { name: 'a', spec: { replicas: 'x' as never } })).toThrow(/replicas/);
  });

  it('says what there is where a matcher fails', () => {
    expect(() => expect(site).toHaveCondition('Available')).toThrow(/Available=True; it has Available=False.*none up/);
    expect(() => expect(site).toBeControlledBy(site)).toThrow(/it is by nobody/);
    expect(site).not.toBeDeleting();
    const events = [{ spec: { type: 'Normal', reason: 'Scaled', message: 'to 3' } }];
    expect(events).toHaveEvent({ reason: 'Scaled', type: 'Normal' });
    expect(() => expect(events).toHaveEvent({ reason: 'Failed' })).toThrow(/there is Normal Scaled: to 3/);
  });
});

it('startManagedEtcd says what is wrong when there is no such program', async () => {
  await expect(startManagedEtcd({ binary: '/no/such/etcd' })).rejects.toThrow(/Unavailable.*no\/such\/etcd.*ENOENT/);
});
