import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { availableEtcds, startEtcd } from '../harness/etcd-server.ts';
import { resetSocket } from '../harness/reset-socket.ts';
import { startProxy } from '../harness/tcp-proxy.ts';

describe.each(await availableEtcds())('the harness on etcd %s', (version) => {
  const started: { dispose(): Promise<void> }[] = [];
  afterAll(() => Promise.all(started.map((each) => each.dispose())));

  it('starts an etcd, keeps its data over a kill, and leaves nothing behind', async () => {
    const server = await startEtcd({ version });
    started.push(server);
    await server.etcdctl(['put', '/a', '1']);
    await server.restart();
    expect(await server.etcdctl(['get', '--print-value-only', '/a'])).toBe('1\n');
    await server.dispose();
    expect(server.members[0]!.running).toBe(false);
    expect(existsSync(dirname(server.members[0]!.dataFolder))).toBe(false);
  });

  it('starts three members that outlive the loss of one', async () => {
    const server = await startEtcd({ version, members: 3 });
    started.push(server);
    await server.members[0]!.kill();
    await server.members[1]!.ready();
    expect(await server.etcdctl(['member', 'list'])).toContain(server.endpoints[2]);
  });

  it('cuts, holds and releases what passes through the proxy', async () => {
    const server = await startEtcd({ version });
    const proxy = await startProxy(server.endpoints[0]!);
    started.push(proxy, server);
    const healthy = (): Promise<string> => fetch(`${proxy.endpoint}/health`).then((answer) => answer.text());
    expect(await healthy()).toContain('"health":"true"');
    proxy.hold('server');
    let answered = false;
    const late = healthy().then((text) => {
      answered = true;
      return text;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toBe(false);
    proxy.release();
    expect(await late).toContain('"health":"true"');
    proxy.refuse();
    await expect(healthy()).rejects.toThrow('fetch failed');
    proxy.release();
    proxy.cutAfter('server', 10);
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    let received = 0;
    socket.on('data', (bytes) => (received += bytes.length));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(received).toBe(10);
  });
});

/** A process's state as ps names it; empty for none. */
const stateOf = (pid: number): string =>
  spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();

describe('resetSocket', () => {
  it.each(['open', 'ending'])('really closes a socket that is %s', async (state) => {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    const [peer] = (await once(server, 'connection')) as [Socket];
    const writing = setInterval(() => peer.write('is anybody there?'), 10);
    const refused = new Promise((resolve) => peer.on('error', resolve));
    if (state === 'ending') socket.end();
    resetSocket(socket);
    expect(await refused).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    clearInterval(writing);
    server.close();
  });
});

describe('what a test process leaves behind', () => {
  it('goes when the process is killed in the middle of a test', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'setpoint-left-'));
    const guard = new URL('../../scripts/leftovers-guard.mjs', import.meta.url).pathname;
    const program = `
      const { spawn } = require('node:child_process');
      const left = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
      const guard = spawn(process.execPath, [${JSON.stringify(guard)}], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
      guard.stdin.write('started\\t' + left.pid + '\\nmade\\t' + ${JSON.stringify(folder)} + '\\n', () => {
        console.log(left.pid);
      });
      setInterval(() => {}, 1000);
    `;
    const tests = spawn(process.execPath, ['--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(tests.stdout, 'data')) as [Buffer];
    const left = Number(line.toString());
    expect(process.kill(left, 0)).toBe(true);
    tests.kill('SIGKILL');
    await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false);
    // Gone, or dead and not yet collected by whoever adopted it.
    await expect.poll(() => stateOf(left).replace(/^Z.*/, '')).toBe('');
  });
});
