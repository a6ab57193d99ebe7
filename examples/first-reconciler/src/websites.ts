import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defineController, defineResource } from 'setpoint';
import { z } from 'zod';

/** What a person writes down: there shall be a web server that says this. */
export const Website = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ message: z.string(), port: z.int().min(0).max(65_535).default(0) }),
  status: z.object({ url: z.string() }),
});

/** The part that touches the world. A test gives a pretended one. */
export interface WebServers {
  /** Sees to it that a server says `message`; resolves with its address. Called again and again: it does nothing twice. */
  ensure(name: string, message: string, port: number): Promise<string>;
  stop(name: string): Promise<void>;
}

/** The reconciler: looks at what is wanted, makes it so, says what it did. It never asks what has happened. */
export function createWebsiteController(servers: WebServers) {
  return defineController(Website, {
    async reconcile({ object, key, status }) {
      const { message, port } = object.spec;
      const url = await servers.ensure(key, message, port);
      await status({ url }, { type: 'Ready', status: true, reason: 'Listening', message: `it answers at ${url}` });
    },
    finalize: ({ key }) => servers.stop(key),
  });
}

/** Real servers, in this process. */
export class LocalWebServers implements WebServers {
  readonly #running = new Map<
    string,
    { message: string; readonly port: number; readonly server: Server; readonly url: string }
  >();

  async ensure(name: string, message: string, port: number): Promise<string> {
    const running = this.#running.get(name);
    if (running?.port === port) {
      running.message = message;
      return running.url;
    }
    await this.stop(name);
    const server = createServer((_request, response) => response.end(`${this.#running.get(name)?.message}\n`));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    this.#running.set(name, { message, port, server, url });
    return url;
  }

  async stop(name: string): Promise<void> {
    const { server } = this.#running.get(name) ?? {};
    this.#running.delete(name);
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }
}
