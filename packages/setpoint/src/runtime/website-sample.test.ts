import { createManager, defineController, defineResource, memoryStore, type Store } from 'setpoint';
import { FakeClock } from 'setpoint/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { seededRandom } from '../internal/random.ts';

const Server = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Server',
  plural: 'servers',
  spec: z.object({ message: z.string() }),
  status: z.object({ pid: z.int() }),
});

const Website = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  shortNames: ['web'],
  spec: z.object({ replicas: z.int().min(0).max(50).default(1), message: z.string() }),
  status: z.object({ ready: z.int() }),
});

// As design.md shows it, word for word.
// prettier-ignore
const websites = defineController(Website, {
  owns: [Server],
  async reconcile({ object, owned, status }) {
    const servers = owned(Server), have = servers.list();
    const names = Array.from({ length: object.spec.replicas }, (_, i) => `${object.metadata.name}-${i}`);
    for (const name of names) await servers.apply({ name, spec: { message: object.spec.message } });
    for (const extra of have.filter((s) => !names.includes(s.metadata.name))) await servers.delete(extra);
    const ready = have.filter((s) => s.status?.pid !== undefined).length;
    await status({ ready }, { type: 'Available', status: ready >= names.length, reason: 'Counted', message: `${ready} up` });
  },
});

/** Plays the part of what starts servers. */
const servers = defineController(Server, {
  async reconcile({ object, status }) {
    await status({ pid: 1000 + Number(object.metadata.name.split('-').at(-1)) });
  },
});

async function running(store?: Store) {
  const clock = new FakeClock();
  const used = store ?? memoryStore({ clock });
  const manager = createManager({ store: used, controllers: [websites, servers], clock, random: seededRandom(7) });
  const abort = new AbortController();
  const run = manager.run(abort.signal);
  await clock.advance(0);
  await manager.whenReady();
  const web = manager.client.resource(Website);
  const names = async (): Promise<string[]> =>
    (await manager.client.resource(Server).list()).items.map((server) => server.metadata.name).toSorted();
  return { clock, store: used, manager, abort, run, web, names };
}

it('the sample of the design reaches its desired state, keeps it, scales, and leaves nothing behind', async () => {
  const { clock, manager, abort, run, web, names } = await running();
  const created = await web.create({ name: 'web', spec: { replicas: 3, message: 'hello' } });
  expect(created.spec.replicas satisfies number).toBe(3);
  await clock.advance(1000);
  expect(await names()).toEqual(['web-0', 'web-1', 'web-2']);
  const ready = await web.get('default/web');
  expect(ready.status).toMatchObject({
    ready: 3,
    observedGeneration: 1,
    conditions: [{ type: 'Available', status: 'True', message: '3 up', observedGeneration: 1 }],
  });

  await manager.client.resource(Server).delete('default/web-1');
  await clock.advance(1000);
  expect(await names()).toEqual(['web-0', 'web-1', 'web-2']);
  expect((await web.get('web')).status?.ready).toBe(3);

  await web.modify('web', (current) => ({ ...current, spec: { ...current.spec, replicas: 1, message: 'bye' } }));
  await clock.advance(1000);
  expect(await names()).toEqual(['web-0']);
  expect((await web.get('web')).status).toMatchObject({ ready: 1, observedGeneration: 2 });
  expect((await manager.client.resource(Server).get('web-0')).spec.message).toBe('bye');

  const before = (await web.list()).resourceVersion;
  await clock.advance(3_600_000);
  expect((await web.list()).resourceVersion).toBe(before);

  await web.delete('web');
  await clock.advance(60_000);
  expect(await names()).toEqual([]);

  abort.abort();
  await run;
  expect(clock.pendingTimers).toBe(0);
});

it('a manager that starts anew brings what happened meanwhile to its end', async () => {
  const first = await running();
  await first.web.create({ name: 'web', spec: { message: 'hello' } });
  await first.clock.advance(1000);
  first.abort.abort();
  await first.run;
  await first.web.modify('web', (current) => ({ ...current, spec: { ...current.spec, replicas: 4 } }));
  await first.manager.client.resource(Server).delete('web-0');

  const second = await running(first.store);
  await second.clock.advance(1000);
  expect(await second.names()).toEqual(['web-0', 'web-1', 'web-2', 'web-3']);
  expect((await second.web.get('web')).status).toMatchObject({ ready: 4, observedGeneration: 2 });
  second.abort.abort();
  await second.run;
  expect(second.clock.pendingTimers).toBe(0);
});
