import { inspect } from 'node:util';
import {
  child,
  type Client,
  createClient,
  createManager,
  defineController,
  type Logger,
  minimalRole,
  ownerReferenceTo,
  type Store,
} from 'setpoint';
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

/** Owns another node, so that the garbage collector has one to delete. */
async function dependentNodes(client: Client): Promise<void> {
  const nodes = client.resource(Node);
  const owner = await nodes.create({ name: 'owner', spec: { address: 'a' } });
  await nodes.create({ name: 'owned', spec: { address: 'b' }, ownerReferences: [ownerReferenceTo(owner)] });
  await nodes.delete('owner');
}

/**
 * What a manager that runs as the user of its own name is refused, by the key or range of each refusal: until it has
 * done all of its work, or until the first refusal where it can't.
 */
async function refusalsOf(
  name: string,
  endpoints: readonly string[],
  rootStore: Store,
  works: boolean,
): Promise<readonly string[]> {
  const prefix = `/${name}`;
  const refused: string[] = [];
  const note = (fields: object): void => {
    const text = inspect(fields, { depth: 10 });
    if (text.includes('PermissionDenied')) refused.push(text);
  };
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  const store = testStore({ endpoints, auth: { username: name, password: PASSWORD }, callTimeoutMs: 60_000 });
  const manager = createManager({ store, prefix, controllers: [websites], logger });
  const stop = new AbortController();
  const running = manager.run(stop.signal).catch((error: unknown) => note({ error }));
  const client = createClient({ store: rootStore, prefix });
  await client.resource(Website).create({ name: 'web', spec: { message: 'm', replicas: 1 } });
  await dependentNodes(client);
  const isDone = async (): Promise<boolean> =>
    (await client.resource(Website).get('web')).status?.ready === 1 &&
    (await client.resource(Event).list()).items.length > 0 &&
    (await client.resource(Node).list()).items.length === 0;
  await expect
    .poll(async () => (works ? await isDone() : refused.length > 0), { timeout: 120_000, interval: 200 })
    .toBe(true);
  stop.abort();
  await running;
  return refused;
}

const etcds = await availableEtcds();

describe.each(etcds)('the least role of a manager, on etcd %s', (version) => {
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

  // Nine managers on one server: once is enough.
  it.runIf(version === etcds.at(-1))(
    'F-118: has no permission too many: without any one, or with a write made a read, something is refused',
    async () => {
      const server = await testEtcd({ version, flags: ['--bcrypt-cost=4'] });
      for (const line of ['user add root:' + PASSWORD, 'role add root', 'user grant-role root root']) {
        await server.etcdctl(line.split(' '));
      }
      const whole = minimalRole({ name: 'all', controllers: [websites], prefix: '/all' }).permissions;
      const trials = whole.flatMap(({ access, prefix }, index) => [
        { name: `without-${index}`, lost: prefix, left: undefined },
        ...(access === 'readwrite' ? [{ name: `reading-${index}`, lost: prefix, left: 'read' as const }] : []),
      ]);
      expect(trials).toHaveLength(8);
      const parties = [{ name: 'all', lost: undefined, left: undefined }, ...trials];
      for (const { name, lost, left } of parties) {
        const { commands } = minimalRole({ name, controllers: [websites], prefix: `/${name}` });
        for (const words of commands) {
          const takenAway = lost !== undefined && words.at(-1) === lost.replace('/all/', `/${name}/`);
          if (takenAway && left === undefined) continue;
          const given = takenAway ? words.map((word) => (word === 'readwrite' ? left! : word)) : words;
          await server.etcdctl(
            given[0] === 'user' && given[1] === 'add' ? ['user', 'add', `${name}:${PASSWORD}`] : [...given],
          );
        }
      }
      await server.etcdctl(['auth', 'enable']);
      const rootStore = testStore({ endpoints: server.endpoints, auth: { username: 'root', password: PASSWORD } });
      await Promise.all(
        parties.map(async ({ name, lost }) => {
          const refused = await refusalsOf(name, server.endpoints, rootStore, lost === undefined);
          expect([name, refused.length > 0]).toEqual([name, lost !== undefined]);
          const prefix = lost?.replace('/all/', `/${name}/`);
          expect(refused.filter((text) => !text.includes(prefix!))).toEqual([]);
        }),
      );
    },
  );

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
