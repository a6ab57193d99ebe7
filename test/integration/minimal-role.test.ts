import { child, createClient, createManager, defineController, minimalRole } from 'setpoint';
import { Event } from 'setpoint/events';
import { describe, expect, it } from 'vitest';
import { testEtcd, testStore } from '../harness/disposal.ts';
import { availableEtcds } from '../harness/etcd-server.ts';
import { errorOf, Node, Server, Website } from '../harness/sample-objects.ts';

const PASSWORD = 'canary-secret-4711';

const websites = defineController(Website, {
  owns: [Server],
  watches: [{ resource: Node, map: () => ['default/web'] }],
  async reconcile({ object, apply, event, status }) {
    const names = Array.from({ length: object.spec.replicas }, (_, index) => `${object.metadata.name}-${index}`);
    await apply(names.map((name) => child(Server, { name, spec: { message: object.spec.message } })));
    event({ reason: 'Counted', message: `${names.length} wanted` });
    await status({ ready: names.length });
  },
  finalize: () => {},
});

describe.each(await availableEtcds())('the least role of a manager, on etcd %s', (version) => {
  it('F-118: lets it do all of its work, and nothing beside it', async () => {
    const server = await testEtcd({ version, flags: ['--bcrypt-cost=4'] });
    const { permissions, commands } = minimalRole({ name: 'websites', controllers: [websites] });
    expect(permissions).toEqual([
      { access: 'readwrite', prefix: '/registry/events/' },
      { access: 'readwrite', prefix: '/registry/nodes/' },
      { access: 'readwrite', prefix: '/registry/servers/' },
      { access: 'readwrite', prefix: '/registry/websites/' },
    ]);
    const withPassword = commands.map((words) =>
      words[1] === 'add' && words[0] === 'user' ? [...words.slice(0, 2), `websites:${PASSWORD}`] : [...words],
    );
    const root = ['user add root:' + PASSWORD, 'role add root', 'user grant-role root root'].map((line) =>
      line.split(' '),
    );
    for (const command of [...root, ...withPassword, ['auth', 'enable']]) await server.etcdctl(command);

    const store = testStore({ endpoints: server.endpoints, auth: { username: 'websites', password: PASSWORD } });
    const failures: unknown[] = [];
    const logger = {
      debug: () => {},
      info: () => {},
      warn: (fields: object) => void failures.push(fields),
      error: (fields: object) => void failures.push(fields),
      child: () => logger,
    };
    const manager = createManager({ store, controllers: [websites], logger });
    const stop = new AbortController();
    const running = manager.run(stop.signal);
    await manager.whenReady();
    const client = createClient({ store });
    const sites = client.resource(Website);
    await sites.create({ name: 'web', spec: { message: 'm', replicas: 3 } });
    await expect.poll(async () => (await sites.get('web')).status?.ready, { timeout: 30_000 }).toBe(3);
    await expect
      .poll(async () => (await client.resource(Event).list()).items.length, { timeout: 30_000 })
      .toBeGreaterThan(0);
    const at = (await sites.list()).resourceVersion;
    expect((await sites.list({ notOlderThan: at })).items).toHaveLength(1);
    await sites.delete('web');
    await expect.poll(async () => (await client.resource(Server).list()).items.length, { timeout: 30_000 }).toBe(0);
    expect(failures).toEqual([]);
    for (const key of ['/registry/secrets/default/a', '/registry/website', '/other']) {
      const refused = await errorOf(store.put({ key, value: 'x' }));
      expect(refused).toMatchObject({ code: 'PermissionDenied', message: expect.stringContaining(key) });
      expect(await errorOf(store.range({ key }))).toMatchObject({ code: 'PermissionDenied' });
    }
    stop.abort();
    await running;
  });

  it('reads only what it watches where it collects no garbage, and takes further kinds and prefixes', () => {
    const { permissions } = minimalRole({
      name: 'websites',
      controllers: [websites],
      garbageCollection: false,
      prefix: '/apps',
      writesUnder: ['/locks/'],
    });
    expect(permissions.map(({ access, prefix }) => `${access} ${prefix}`)).toEqual([
      'readwrite /apps/events/',
      'read /apps/nodes/',
      'readwrite /apps/servers/',
      'readwrite /apps/websites/',
      'readwrite /locks/',
    ]);
    expect(() => minimalRole({ name: 'a b' })).toThrow(/name/);
    expect(() => minimalRole({ name: 'a', controlers: [] } as never)).toThrow(/controllers/);
  });
});
