import { createClient, createManager, defineController, isSetpointError } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { testEtcd, testStore } from '../harness/disposal.ts';
import { availableEtcds } from '../harness/etcd-server.ts';
import { Server, Website } from '../harness/sample-objects.ts';

describe.each(await availableEtcds())('a transactional reconcile, on etcd %s', (version) => {
  it('I-189: writes together, not at all when what it saw has changed, and nothing past 128 operations', async () => {
    const etcd = await testEtcd({ version });
    const store = testStore({ endpoints: etcd.endpoints });
    const client = createClient({ store });
    const [sites, servers] = [client.resource(Website), client.resource(Server)];
    const conflicts: unknown[] = [];
    const tooMany: unknown[] = [];
    let interfere = true;
    const websites = defineController(Website, {
      owns: [Server],
      transactional: true,
      async reconcile({ object, owned, status }) {
        const { name } = object.metadata;
        for (let index = 0; index < object.spec.replicas; index++) {
          await owned(Server).apply({ name: `${name}-${index}`, spec: { message: object.spec.message } });
        }
        if (name === 'web' && interfere) {
          interfere = false;
          await sites.modify(object, () => ({ labels: { changed: 'meanwhile' } }));
        }
        await status({ ready: object.spec.replicas });
      },
    });
    const manager = createManager({
      store,
      controllers: [websites],
      onReconciled({ key, outcome }) {
        if (outcome.type !== 'error') return;
        if (isSetpointError(outcome.error, 'Conflict')) conflicts.push(key);
        if (isSetpointError(outcome.error, 'TooManyOperations')) tooMany.push(key);
      },
    });
    const stop = new AbortController();
    const running = manager.run(stop.signal);
    await manager.whenReady();
    await sites.create({ name: 'web', spec: { message: 'm', replicas: 3 } });
    await expect.poll(async () => (await sites.get('web')).status?.ready, { timeout: 30_000 }).toBe(3);
    expect(conflicts).toEqual(['default/web']);
    const made = [await sites.get('web'), ...(await servers.list()).items];
    expect(made).toHaveLength(4);
    expect(new Set(made.map(({ metadata }) => metadata.resourceVersion)).size).toBe(1);

    await sites.create({ name: 'wide', spec: { message: 'm', replicas: 129 } });
    await expect.poll(() => tooMany.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect((await servers.list()).items).toHaveLength(3);
    stop.abort();
    await running;
  });
});
