import { aesGcmTransformer } from 'setpoint/resource';
import { child, createManager, defineController, memoryStore } from 'setpoint';
import { Event } from 'setpoint/events';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { Server, Website } from '../../../../test/harness/sample-objects.ts';

function started(transformed = false, eventTtlMs?: false) {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const websites = defineController(Website, {
    owns: [Server],
    async reconcile({ object, apply, event, status }) {
      const { replicas, message } = object.spec;
      const list = Array.from({ length: replicas }, (_, i) =>
        child(Server, { name: `${object.metadata.name}-${i}`, spec: { message } }),
      );
      const { children } = await apply(list);
      const created = children.filter(({ action }) => action === 'created').length;
      if (created > 0) event({ reason: 'Scaled', message: `${created} made` });
      await status({ ready: replicas });
    },
  });
  const transformer = aesGcmTransformer({ keys: [{ id: 'k', secret: Buffer.alloc(32, 1) }] });
  const manager = createManager({
    store,
    clock,
    random: seededRandom(1),
    controllers: [websites],
    ...(eventTtlMs === false && { eventTtlMs }),
    ...(transformed && { transformerOf: () => transformer }),
  });
  const stop = new AbortController();
  return { clock, store, manager, running: manager.run(stop.signal), stop };
}

describe('a reconcile', () => {
  it('brings all its children about at once, and says things about its object', async () => {
    const { manager, clock, stop, running, store } = started();
    const { client } = manager;
    await client.resource(Website).create({ name: 'web', spec: { message: 'm', replicas: 3 } });
    await clock.advance(1000);
    const names = async () => (await client.resource(Server).list()).items.map(({ metadata }) => metadata.name);
    expect(await names()).toEqual(['web-0', 'web-1', 'web-2']);
    await client.resource(Website).scale('web', 1);
    await clock.advance(1000);
    expect(await names()).toEqual(['web-0']);
    const events = (await client.resource(Event).list()).items;
    expect(events.map(({ spec }) => [spec.reason, spec.message, spec.reportingController])).toEqual([
      ['Scaled', '3 made', 'websites'],
    ]);
    stop.abort();
    await clock.advance(1000);
    await running;
    await store.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('may be copied, and the copy has everything', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const copied: object[] = [];
    const websites = defineController(Website, {
      async reconcile(context) {
        const copy = { ...context };
        copied.push(copy);
        copy.logger.info({}, 'copied');
        await copy.client.resource(Website).get(copy.key, { signal: copy.signal });
        await copy.status({ ready: 1 });
        return {};
      },
    });
    const manager = createManager({ store, clock, random: seededRandom(1), controllers: [websites] });
    const stop = new AbortController();
    const running = manager.run(stop.signal);
    await manager.client.resource(Website).create({ name: 'web', spec: { message: 'm', replicas: 1 } });
    await clock.advance(1000);
    expect((await manager.client.resource(Website).get('web')).status).toMatchObject({ ready: 1 });
    expect(Object.keys(copied[0]!)).toEqual(expect.arrayContaining(['signal', 'logger', 'client', 'object', 'lister']));
    stop.abort();
    await clock.advance(1000);
    await running;
    await store.close();
  });

  it('stores nothing of what is said when the manager is told so', async () => {
    const { manager, clock, stop, running } = started(false, false);
    await manager.client.resource(Website).create({ name: 'web', spec: { message: 'm', replicas: 3 } });
    await clock.advance(1000);
    expect((await manager.client.resource(Server).list()).items).toHaveLength(3);
    expect((await manager.client.resource(Event).list()).items).toEqual([]);
    stop.abort();
    await clock.advance(1000);
    await running;
  });

  it('F-118: reads and writes encrypted values like any other', async () => {
    const { manager, clock, stop, running, store } = started(true);
    await manager.client.resource(Website).create({ name: 'web', spec: { message: 'canary', replicas: 2 } });
    await clock.advance(1000);
    expect((await manager.client.resource(Website).get('web')).status?.ready).toBe(2);
    const { kvs } = await store.range({ prefix: '/registry/' });
    expect(kvs.length).toBeGreaterThanOrEqual(4);
    for (const { value } of kvs) expect(Buffer.from(value).toString('latin1')).not.toContain('canary');
    stop.abort();
    await clock.advance(1000);
    await running;
  });
});
