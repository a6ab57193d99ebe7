import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SetpointError } from '../errors/index.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import type { Runnable } from './runnable.ts';

/** Throws, with a sentence for people, when what it looks at is not well. */
export type HealthCheck = () => void;

export interface HealthServerOptions {
  /** 0 lets the system choose; see {@link HealthServer.url}. */
  readonly port: number;
  /** Default 127.0.0.1: who wants to be seen from elsewhere says so. */
  readonly host?: string;
  /** Behind `/readyz`: whether this process does its work. */
  readonly ready?: Readonly<Record<string, HealthCheck>>;
  /** Behind `/healthz`: whether restarting this process might help. */
  readonly live?: Readonly<Record<string, HealthCheck>>;
  /** Behind `/metrics`: Prometheus text. Absent: not found. */
  readonly metrics?: () => string;
}

/**
 * Answers `/healthz`, `/readyz` and `/metrics` over plain HTTP from the first moment of a manager to its last. A check
 * that fails makes the answer 503, with a line for each check.
 */
export class HealthServer implements Runnable {
  readonly name = 'health';
  readonly #options: HealthServerOptions;
  readonly #listening: Deferred<AddressInfo> = deferred();

  constructor(options: HealthServerOptions) {
    const { port } = options;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new SetpointError('Invalid', `the health port must be an integer from 0 to 65535; got ${String(port)}`);
    }
    this.#options = options;
    this.#listening.promise.catch(() => {}); // run() rejects with it
  }

  /** Where it listens, once it does: `http://127.0.0.1:41234`. */
  async url(): Promise<string> {
    const { address, port, family } = await this.#listening.promise;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  async ready(): Promise<void> {
    await this.#listening.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    const ended = deferred();
    server.on('error', (error) => {
      this.#listening.reject(error);
      ended.reject(error);
    });
    server.listen(this.#options.port, this.#options.host ?? '127.0.0.1', () => {
      this.#listening.resolve(server.address() as AddressInfo);
    });
    const stop = (): void =>
      void close(server).then(
        () => ended.resolve(),
        (error: unknown) => ended.reject(error),
      );
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    await ended.promise;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?', 1)[0];
    const { ready = {}, live = {}, metrics } = this.#options;
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'only GET and HEAD\n');
    if (path === '/healthz') return replyChecks(response, live);
    if (path === '/readyz') return replyChecks(response, ready);
    if (path === '/metrics' && metrics) return reply(response, 200, metrics());
    return reply(response, 404, 'try /healthz, /readyz or /metrics\n');
  }
}

function replyChecks(response: ServerResponse, checks: Readonly<Record<string, HealthCheck>>): void {
  const results = Object.entries(checks).map(([name, check]) => ({ name, failure: failureOf(check) }));
  const lines = results.map(({ name, failure }) =>
    failure === undefined ? `[+] ${name} ok` : `[-] ${name}: ${failure}`,
  );
  const healthy = results.every(({ failure }) => failure === undefined);
  reply(response, healthy ? 200 : 503, [...lines, healthy ? 'ok' : 'not ok', ''].join('\n'));
}

function failureOf(check: HealthCheck): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
