import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { createManager, memoryStore } from 'setpoint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBalancer } from './balancer.ts';
import { Process, Service } from './kinds.ts';

describe('the load balancer', () => {
  const servers: (Server | TcpServer)[] = [];
  let manager: ReturnType<typeof createManager>;
  let running: Promise<void>;
  const over = () => manager.stop().then(() => running);

  beforeEach(() => {
    const { controller, runnable } = createBalancer();
    manager = createManager({
      store: memoryStore(),
      resources: [Service, Process],
      controllers: [controller],
      runnables: [runnable],
    });
    running = manager.run(new AbortController().signal);
  });
  afterEach(async () => {
    await over();
    for (const server of servers.splice(0)) server.close();
  });

  const processes = () => manager.client.resource(Process);
  /** A Process that a server stands for. */
  async function standFor(name: string, server: Server | TcpServer, ready = true): Promise<void> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await processes().create({ name, labels: { app: 'web' }, spec: { command: ['web'] } });
    await processes().modifyStatus({ name }, () => ({ phase: 'Running', ready, restarts: 0, port }));
  }
  /** A program that says its name, and the Process that stands for it. */
  async function backend(name: string, ready = true): Promise<Server> {
    const server = createServer((_request, response) => response.setHeader('connection', 'close').end(name));
    await standFor(name, server, ready);
    return server;
  }
  const service = async () => manager.client.resource(Service).get({ name: 'web' });
  const endpoints = (count: number) =>
    expect.poll(async () => (await service()).status?.endpoints.length, { timeout: 5_000 }).toBe(count);
  const ask = async (): Promise<string> => {
    const { status } = await service();
    return fetch(`http://127.0.0.1:${status!.port}/`, { headers: { connection: 'close' } }).then(
      (response) => response.text(),
      () => 'refused',
    );
  };
  const createService = (port = 0, name = 'web') =>
    manager.client.resource(Service).create({ name, spec: { selector: { app: 'web' }, port } });

  it('leads to the ready ones in turn, and to those that come', async () => {
    await backend('a');
    await backend('sleepy', false);
    await createService();
    await endpoints(1);
    await backend('b');
    await endpoints(2);
    const said = await Promise.all(Array.from({ length: 10 }, ask));
    expect(said.filter((each) => each === 'a')).toHaveLength(5);
    expect(said.filter((each) => each === 'b')).toHaveLength(5);
  });

  it('passes over one that does not take the connection, though it is said to be ready', async () => {
    await backend('a');
    const dead = await backend('b');
    await createService();
    await endpoints(2);
    await new Promise((resolve) => dead.close(resolve));
    expect(await Promise.all(Array.from({ length: 6 }, ask))).toEqual(Array(6).fill('a'));
  });

  it('brings the whole answer to a client that ends its own side first', async () => {
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      let said = '';
      socket.setEncoding('utf8').on('data', (text: string) => (said += text));
      socket.once('end', () => setTimeout(() => socket.end(`you said ${said}`), 20));
    });
    await standFor('a', server);
    await createService();
    await endpoints(1);
    const client = connect({ port: (await service()).status!.port!, host: '127.0.0.1', allowHalfOpen: true });
    client.end('hello');
    let answer = '';
    for await (const text of client.setEncoding('utf8')) answer += text;
    expect(answer).toBe('you said hello');
  });

  it('closes a connection at once when no backend is ready, and says so', async () => {
    await createService();
    await endpoints(0);
    expect(await ask()).toBe('refused');
    const { status } = await service();
    expect(status?.conditions?.[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'NoEndpoints' });
  });

  it('says that its port is taken, and no longer listens when the Service is deleted', async () => {
    await createService();
    await endpoints(0);
    const { port } = (await service()).status!;
    await createService(port, 'second');
    const reason = async () =>
      (await manager.client.resource(Service).get({ name: 'second' })).status?.conditions?.[0]?.reason;
    await expect.poll(reason, { timeout: 5_000 }).toBe('PortInUse');
    await manager.client.resource(Service).delete({ name: 'web' });
    await expect.poll(reason, { timeout: 5_000 }).toBe('NoEndpoints');
  });
});
