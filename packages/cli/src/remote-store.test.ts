import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { memoryStore } from 'setpoint';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { remoteStore } from './remote-store.ts';
import { serveStore, type StoreServer } from './store-server.ts';

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { code?: unknown }).code,
  );

describe('a store that another process serves', () => {
  const store = memoryStore();
  let server: StoreServer;
  beforeEach(async () => {
    server = await serveStore(store);
  });
  afterEach(() => server.close());

  it('ends a watch with Unavailable when its connection breaks, with Closed when the handle is closed', async () => {
    for (const end of ['broken', 'closed'] as const) {
      const remote = remoteStore(server.url);
      const { revision } = await remote.put({ key: '/w', value: end });
      const batches = remote.watch({ key: '/w', startRevision: revision })[Symbol.asyncIterator]();
      expect((await batches.next()).value).toMatchObject({ events: [{ type: 'put' }] });
      const next = batches.next();
      await (end === 'broken' ? server.close() : remote.close());
      expect(await codeOf(next)).toBe(end === 'broken' ? 'Unavailable' : 'Closed');
      if (end === 'broken') server = await serveStore(store);
    }
  });

  it('refuses calls of a closed handle with Closed, and gives a call up with Aborted', async () => {
    const remote = remoteStore(server.url);
    expect(await codeOf(remote.range({ key: '/a' }, { signal: AbortSignal.abort() }))).toBe('Aborted');
    await remote.close();
    expect(await codeOf(remote.range({ key: '/a' }))).toBe('Closed');
    expect(await codeOf(remote.put({ key: '/a', value: '' }))).toBe('Closed');
  });

  it('does not add a listener each time that a watcher is slow', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const remote = remoteStore(server.url);
    const { revision } = await store.put({ key: '/big', value: '' });
    const batches = remote.watch({ key: '/big', startRevision: revision + 1n })[Symbol.asyncIterator]();
    for (let i = 0; i < 30; i++) {
      const next = batches.next();
      await store.put({ key: '/big', value: 'x'.repeat(200_000) });
      await next;
    }
    await remote.close();
    await batches.next().catch(() => {});
    expect(warnings).toEqual([]);
  });
});

describe('a server that was stopped', () => {
  let server: Server;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    server = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is not waited for beyond the time limit: a write may have been applied', async () => {
    const remote = remoteStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await codeOf(remote.status({ timeoutMs: 100 }))).toBe('DeadlineExceeded');
    expect(await codeOf(remote.put({ key: '/a', value: '' }, { timeoutMs: 100 }))).toBe('OutcomeUnknown');
    await remote.close();
  });
});
