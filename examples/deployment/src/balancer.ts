import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { defineController, type Runnable } from 'setpoint';
import { labelSelector } from 'setpoint/resource';
import { Process, Service } from './kinds.ts';

/** One program that requests can go to. */
interface Backend {
  readonly name: string;
  readonly port: number;
}

/**
 * A real TCP load balancer, one listener on loopback for each Service. Whom to send a connection to is decided when it
 * comes, among the Processes that are ready just then, in turn. One that doesn't take it (it may be stopping) is passed
 * over for the next; so a connection fails only when no replica takes it. Then it is closed at once.
 */
export function createBalancer() {
  const services = new Map<string, Listener>();
  const close = (key: string): void => {
    services.get(key)?.close();
    services.delete(key);
  };
  const controller = defineController(Service, {
    name: 'balancer',
    watches: [
      {
        resource: Process,
        map: ({ metadata }) =>
          [...services.values()].filter(({ selects }) => selects(metadata.labels)).map(({ ref }) => ref),
      },
    ],
    async reconcile({ object, key, lister, status }) {
      const { namespace, name } = object.metadata;
      const { selector, port } = object.spec;
      const selects = labelSelector({ matchLabels: selector });
      const backends = (): Backend[] =>
        lister(Process)
          .list()
          .filter(({ metadata }) => metadata.namespace === namespace && selects(metadata.labels))
          .flatMap((process) => backendOf(process));
      if (services.get(key)?.wantedPort !== port) close(key);
      const listener = services.get(key) ?? new Listener(port, { name, namespace: namespace! });
      services.set(key, listener);
      listener.selects = selects;
      listener.backends = backends;
      const ready = backends();
      try {
        const listening = await listener.listening;
        await status({ port: listening, endpoints: ready.map((each) => each.name) }, condition(ready, listening));
        return {};
      } catch (error) {
        close(key);
        await status({ endpoints: [] }, refused(error as NodeJS.ErrnoException, port));
        return { requeueAfterMs: 1_000 };
      }
    },
    gone: ({ key }) => close(key),
  });
  const runnable: Runnable = {
    name: 'balancer',
    async run(signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      for (const key of services.keys()) close(key);
    },
  };
  return { controller, runnable };
}

function backendOf({ metadata, status }: Process): Backend[] {
  if (status?.ready !== true || status.port === undefined || metadata.deletionTimestamp !== undefined) return [];
  return [{ name: metadata.name, port: status.port }];
}

function condition(ready: readonly Backend[], port: number) {
  const some = ready.length > 0;
  const message = some ? `127.0.0.1:${port} leads to ${ready.length} processes` : 'no process with its labels is ready';
  return { type: 'Ready', status: some, reason: some ? 'EndpointsReady' : 'NoEndpoints', message };
}

function refused({ code, message }: NodeJS.ErrnoException, port: number) {
  const taken = code === 'EADDRINUSE';
  return {
    type: 'Ready',
    status: false,
    reason: taken ? 'PortInUse' : 'CannotListen',
    message: taken ? `port ${port} is used by another program` : message,
  };
}

/** How long a backend may take to accept before the next one is asked. */
const CONNECT_MAX_MS = 1_000;

class Listener {
  readonly wantedPort: number;
  readonly ref: { readonly name: string; readonly namespace: string };
  /** The port; rejects when it can't be had. */
  readonly listening: Promise<number>;
  selects: (labels: Readonly<Record<string, string>> | undefined) => boolean = () => false;
  backends: () => readonly Backend[] = () => [];
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #turn = 0;

  constructor(port: number, ref: Listener['ref']) {
    this.wantedPort = port;
    this.ref = ref;
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) => this.#serve(client));
    this.listening = new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port));
    });
    this.listening.catch(() => {}); // who awaits it is told
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  #serve(client: Socket): void {
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    client.on('error', () => client.destroy());
    const all = this.backends();
    const start = this.#turn++ % Math.max(all.length, 1);
    this.#tryEach(client, [...all.slice(start), ...all.slice(0, start)]);
  }

  /** Nothing was read from the client yet, so that passing over a backend loses nothing. */
  #tryEach(client: Socket, [backend, ...others]: readonly Backend[]): void {
    if (backend === undefined) return void client.destroy();
    // Each side may end before the other has said all: what it was sent until then it gets.
    const server = connect({ port: backend.port, host: '127.0.0.1', timeout: CONNECT_MAX_MS, allowHalfOpen: true });
    let next: (() => void) | undefined = () => {
      next = undefined;
      server.destroy();
      this.#tryEach(client, others);
    };
    server.once('timeout', () => next?.());
    server.once('error', () => (next ? next() : client.destroy()));
    server.once('connect', () => {
      next = undefined;
      server.setTimeout(0);
      client.once('close', () => server.destroy());
      client.pipe(server).pipe(client);
      client.resume();
    });
  }
}
