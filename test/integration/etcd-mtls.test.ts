import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSetpointError, type SetpointError } from 'setpoint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, type Certificate, createAuthority } from '../harness/certificates.ts';
import { testProxy, testStore, testWatch } from '../harness/disposal.ts';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';

const YESTERDAY = new Date(Date.now() - 86_400_000);

describe.each(await availableEtcds())('an etcd %s that asks clients for certificates', (version) => {
  const [old, next]: [Authority, Authority] = [createAuthority('old authority'), createAuthority('next authority')];
  let folder: string;
  let server: EtcdServer;

  /** What the server shows from the next connection on. */
  async function show({ cert, key }: Certificate): Promise<void> {
    await writeFile(join(folder, 'server.pem'), cert);
    await writeFile(join(folder, 'server-key.pem'), key);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'setpoint-tls-'));
    await show(old.issue('server'));
    await writeFile(join(folder, 'ca.pem'), old.ca + next.ca);
    server = await startEtcd({
      version,
      tls: {
        certFile: join(folder, 'server.pem'),
        keyFile: join(folder, 'server-key.pem'),
        clientCaFile: join(folder, 'ca.pem'),
        client: old.issue('health check'),
      },
    });
  });

  afterAll(async () => {
    await server?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  async function failure(tls: object): Promise<SetpointError> {
    const store = testStore({ endpoints: server.endpoints, tls });
    const error = await store.put({ key: '/x', value: 'canary' }, { timeoutMs: 800 }).catch((e: unknown) => e);
    expect(isSetpointError(error), String(error)).toBe(true);
    return error as SetpointError;
  }

  it('is used with a certificate, and refuses those without one or with one that it does not know', async () => {
    await show(old.issue('server'));
    const store = testStore({ endpoints: server.endpoints, tls: { ca: old.ca, ...old.issue('client') } });
    await store.put({ key: '/ours', value: '' });
    expect((await store.range({ key: '/ours' })).count).toBe(1n);
    for (const tls of [{ ca: old.ca }, { ca: old.ca, ...createAuthority('stranger').issue('client') }]) {
      const error = await failure(tls);
      expect(['Untrusted', 'Unavailable'], error.message).toContain(error.code);
      expect(error.message).not.toContain('canary');
    }
  });

  it.each([
    [
      'of an authority that is not trusted',
      () => createAuthority('stranger').issue('server'),
      /issuer|self.signed|verify/,
    ],
    ['that has expired', () => old.issue('server', { notAfter: YESTERDAY }), /expired/],
    ['for another name', () => old.issue('server', { hosts: ['elsewhere.test'] }), /altnames/],
  ])('is Untrusted, and says why, when it shows a certificate %s', async (_, shown, says) => {
    await show(shown());
    const error = await failure({ ca: old.ca, ...old.issue('client') });
    expect([error.code, error.retryable]).toEqual(['Untrusted', true]);
    expect(error.message).toMatch(says);
    expect(error.message).toContain('tls.ca');
  });

  it('takes certificates that were replaced with the next connection, and no watch is lost by it', async () => {
    await show(old.issue('server'));
    const proxy = await testProxy(server.endpoints[0]!);
    let ours = { ca: old.ca, ...old.issue('client') };
    const store = testStore({ endpoints: proxy.endpoint.replace('http:', 'https:'), tls: () => ours });
    const watch = testWatch(store, { prefix: '/w/' });
    await watch.until(() => watch.batches.length > 0);
    await show(next.issue('server'));
    ours = { ca: next.ca, ...next.issue('client') };
    await store.put({ key: '/w/1', value: '' });
    await watch.until(() => watch.events.length === 1, 'an event over the old connection');
    expect(proxy.accepted).toBe(1);
    proxy.cut();
    await watch.until(() => watch.connection.length === 3, 'the new stream');
    expect(watch.connection.at(-1)).toBe('up');
    await store.put({ key: '/w/2', value: '' });
    await watch.until(() => watch.events.length === 2, 'an event over the new one');
    expect(proxy.accepted).toBeGreaterThan(1);
    expect((await failure({ ca: old.ca, ...old.issue('client') })).code).toBe('Untrusted');
  });
});
