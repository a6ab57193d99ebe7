import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError, type Logger } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { availableEtcds, type EtcdServer } from '../harness/etcd-server.ts';
import { testEtcd, testProxy, testStore, testWatch } from '../harness/disposal.ts';

const PASSWORD = 'canary-secret-4711';
const bob = { username: 'bob', password: PASSWORD };

/** An etcd that asks for users; bob may use `/app/`. Its tokens die after two seconds without use. */
async function guardedEtcd(version: string): Promise<EtcdServer> {
  const server = await testEtcd({ version, flags: ['--auth-token-ttl=2', '--bcrypt-cost=4'] });
  const commands = [
    `user add root:${PASSWORD}`,
    'role add root',
    'user grant-role root root',
    `user add bob:${PASSWORD}`,
    'role add app',
    'role grant-permission app readwrite --prefix=true /app/',
    'user grant-role bob app',
    'auth enable',
  ];
  for (const command of commands) await server.etcdctl(command.split(' '));
  return server;
}

const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'it succeeded',
    (error: unknown) => (isSetpointError(error) ? error.code : error),
  );

describe.each(await availableEtcds())('users of etcd %s', (version) => {
  it('reads, writes and watches what the role allows, and is refused the rest by name', async () => {
    const store = testStore({ endpoints: (await guardedEtcd(version)).endpoints, auth: bob });
    await store.put({ key: '/app/x', value: '1' });
    const error = await store.put({ key: '/other', value: '1' }).catch((reason: unknown) => reason);
    expect(isSetpointError(error, 'PermissionDenied')).toBe(true);
    expect((error as Error).message).toContain('/other');
    for (const prefix of ['/ap', '/app0', '/']) {
      expect(await codeOf(store.range({ prefix }))).toBe('PermissionDenied');
      const refused = testWatch(store, { prefix });
      expect(isSetpointError(await refused.over, 'PermissionDenied'), prefix).toBe(true);
    }
    const watch = testWatch(store, { prefix: '/app/' });
    await watch.until(() => watch.batches.length > 0);
    await store.put({ key: '/app/x', value: '2' });
    await watch.until(() => watch.events.length === 1);
  });

  it('logs in again when its token has expired, for calls and for a watch that has to reconnect', async () => {
    const server = await guardedEtcd(version);
    const proxy = await testProxy(server.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint, auth: bob });
    const watch = testWatch(store, { prefix: '/app/' });
    await watch.until(() => watch.batches.length > 0);
    await wait(4000);
    proxy.cut();
    await watch.until(() => watch.connection.at(-1) === 'up' && watch.connection.length > 1, 'the new stream');
    await wait(4000);
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.put({ key: `/app/${i}`, value: '' })));
    await watch.until(() => watch.events.length === 20);
  });

  it('says Unauthenticated for a wrong password or none, and never repeats a secret', async () => {
    const server = await guardedEtcd(version);
    const lines: string[] = [];
    const log = (fields: object, message: string): void => void lines.push(JSON.stringify(fields) + message);
    const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    const wrong = { username: 'bob', password: `${PASSWORD}!` };
    for (const options of [{ auth: wrong }, {}]) {
      const store = testStore({ endpoints: server.endpoints, logger, ...options });
      const error = await store.put({ key: '/app/x', value: PASSWORD }).catch((reason: unknown) => reason);
      expect(isSetpointError(error, 'Unauthenticated'), String(error)).toBe(true);
      const watchError = await testWatch(store, { prefix: '/app/' }).over;
      expect(isSetpointError(watchError, 'Unauthenticated'), String(watchError)).toBe(true);
      for (const each of [error, watchError])
        lines.push(String(each), (each as Error).stack ?? '', JSON.stringify(each));
    }
    expect(lines.join('\n')).not.toContain(PASSWORD);
  });

  it('goes on without a token where authentication is off, and with one once it is turned on', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints, auth: bob });
    await store.put({ key: '/app/x', value: '' });
    const commands = [`user add root:${PASSWORD}`, 'user grant-role root root', `user add bob:${PASSWORD}`];
    await server.etcdctl(['role', 'add', 'root']);
    for (const command of commands) await server.etcdctl(command.split(' '));
    await server.etcdctl(['user', 'grant-role', 'bob', 'root']);
    await server.etcdctl(['auth', 'enable']);
    await store.put({ key: '/app/x', value: '' });
  });
});
