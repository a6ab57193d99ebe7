import { readFile } from 'node:fs/promises';
import { isSetpointError } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { testEtcd, testProxy, testStore, testWatch } from '../harness/disposal.ts';

describe.each(await availableEtcds())('TLS to etcd %s', (version) => {
  it('calls and watches an https endpoint whose certificate it is told to trust', async () => {
    const server = await testEtcd({ version, tls: true });
    const ca = await readFile(server.members[0]!.certificateFile);
    const store = testStore({ endpoints: server.endpoints, tls: { ca } });
    const watch = testWatch(store, { prefix: '/tls/' });
    await watch.until(() => watch.batches.length > 0);
    await store.put({ key: '/tls/x', value: '1' });
    await watch.until(() => watch.events.length === 1);
  });

  it('sends nothing to a server whose certificate it does not trust, and says why', async () => {
    const server = await testEtcd({ version, tls: true });
    let sent = '';
    const proxy = await testProxy(server.endpoints[0]!, {
      onData: ({ from, bytes }) => (sent += from === 'client' ? bytes.toString('latin1') : ''),
    });
    const store = testStore({ endpoints: proxy.endpoint.replace('http:', 'https:') });
    const error = await store
      .put({ key: '/canary', value: 'x' }, { timeoutMs: 500 })
      .catch((reason: unknown) => reason);
    expect(isSetpointError(error, 'Untrusted')).toBe(true);
    expect((error as Error).message).toMatch(/self[- ]signed certificate|unable to verify/);
    expect(sent).not.toContain('/canary');
    expect(await server.etcdctl(['get', '/canary'])).toBe('');
  });

  it('names what happens when http and https are mixed up', async () => {
    const secure = await testEtcd({ version, tls: true });
    const plain = testStore({ endpoints: secure.endpoints[0]!.replace('https:', 'http:') });
    const error = await plain.range({ key: '/x' }, { timeoutMs: 500 }).catch((reason: unknown) => reason);
    expect(['Unavailable', 'NotEtcd']).toContain((error as { code: string }).code);
    expect((error as Error).message).toContain(secure.endpoints[0]!.replace('https:', 'http:'));
  });
});
