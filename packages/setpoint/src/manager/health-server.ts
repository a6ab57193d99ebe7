import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { kindOf } from '../resource/index.ts';
import { answerDebug, type DebugPages } from './debug-pages.ts';
import { isKnownHost, isLoopback } from './host-check.ts';
import { runCheck } from './run-checks.ts';
import type { HealthCheck, Runnable } from './runnable.ts';

export interface HealthServerOptions {
  /** 0 lets the system choose; see {@link HealthServer.url}. */
  readonly port: number;
  /** Default 127.0.0.1: who wants to be seen from elsewhere says so. */
  readonly host?: string;
  /**
   * The names under which it may be asked, beside addresses and localhost: those that Prometheus or a proxy use, such as
   * `controller.example.org`. Requests under other names are refused with 421, see `host-check.ts`.
   */
  readonly allowedHosts?: readonly string[];
  /** Behind `/readyz`: whether this process does its work. */
  readonly ready?: Readonly<Record<string, HealthCheck>>;
  /** Behind `/healthz`: whether restarting this process might help. */
  readonly live?: Readonly<Record<string, HealthCheck>>;
  /** Behind `/metrics`: Prometheus text. Absent: not found. */
  readonly metrics?: () => string;
  /** Behind `/debug`. They show keys and can take a CPU profile, so they are for loopback only, unless `debugAnywhere`. */
  readonly debug?: DebugPages;
  /** Serves `/debug` also where other machines can reach it. Default false. */
  readonly debugAnywhere?: boolean;
  readonly clock?: Clock;
}

/**
 * Answers `/healthz`, `/readyz`, `/metrics` and `/debug` over plain HTTP from the first moment of a manager to its last.
 * A check that fails makes the answer 503, with a line for each check; `/readyz/<check>` asks one of them. It reads
 * nothing but the path and changes nothing.
 */
export class HealthServer implements Runnable {
  readonly name = 'health';
  readonly #options: HealthServerOptions;
  readonly #clock: Clock;
  readonly #debug: DebugPages | undefined;
  readonly #listening: Deferred<AddressInfo> = deferred();

  constructor(options: HealthServerOptions) {
    const { port, host = '127.0.0.1', allowedHosts } = options;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new SetpointError('Invalid', `the health port must be an integer from 0 to 65535; got ${String(port)}`);
    }
    if (typeof host !== 'string' || host === '') {
      throw new SetpointError('Invalid', `the health host must be an address or a name; got ${String(host)}`);
    }
    if (allowedHosts !== undefined && !Array.isArray(allowedHosts)) {
      throw new SetpointError(
        'Invalid',
        `the health allowedHosts must be a list of names; got ${kindOf(allowedHosts)}`,
      );
    }
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#debug = options.debugAnywhere === true || isLoopback(host) ? options.debug : undefined;
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
    const server = createServer((request, response) => this.#answer(request, response, signal));
    const ended = deferred();
    server.on('error', (error) => {
      this.#listening.reject(error);
      ended.reject(error);
    });
    const stop = (): void => {
      this.#listening.reject(new SetpointError('Closed', 'the health endpoint was stopped'));
      // Before it listens there is nothing to close yet: the listener below does, or its error ends it.
      if (!server.listening) return;
      void close(server).then(
        () => ended.resolve(),
        (error: unknown) => ended.reject(error),
      );
    };
    server.listen(this.#options.port, this.#options.host ?? '127.0.0.1', () => {
      if (signal.aborted) return stop();
      this.#listening.resolve(server.address() as AddressInfo);
    });
    signal.addEventListener('abort', stop, { once: true });
    await ended.promise;
  }

  #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): void {
    const { ready = {}, live = {}, metrics, host = '127.0.0.1', allowedHosts = [] } = this.#options;
    if (!isKnownHost(request, [host, ...allowedHosts])) {
      return reply(response, 421, 'this name is not known here: use the address, or allow it with allowedHosts\n');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405, 'only GET and HEAD\n');
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const [, place, check] = /^\/(healthz|readyz)(?:\/(.+))?$/.exec(path) ?? [];
    if (place !== undefined) return replyChecks(response, place === 'healthz' ? live : ready, check);
    if (path === '/metrics' && metrics) return replyMetrics(response, metrics);
    if (this.#debug && /^\/debug(\/|$)/.test(path))
      return void this.#answerDebug(this.#debug, request, response, signal);
    return reply(response, 404, `try /healthz, /readyz, /metrics${this.#debug ? ' or /debug' : ''}\n`);
  }

  async #answerDebug(
    pages: DebugPages,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const over = linkedAbort(signal);
    response.once('close', () => over.abort(undefined));
    const { status, json } = await answerDebug(request, pages, { clock: this.#clock, signal: over.signal });
    over.unlink();
    reply(response, status, json, 'application/json');
  }
}

/** All checks, or the one that was asked for. */
function replyChecks(
  response: ServerResponse,
  checks: Readonly<Record<string, HealthCheck>>,
  only: string | undefined,
): void {
  const asked = Object.entries(checks).filter(([name]) => only === undefined || name === only);
  if (only !== undefined && asked.length === 0) return reply(response, 404, `no such check\n`);
  const results = asked.map(([name, check]) => runCheck(name, check));
  const lines = results.map(({ name, failed, message }) => {
    if (failed) return `[-] ${name}: ${message}`;
    return message === undefined ? `[+] ${name} ok` : `[!] ${name} ok, but ${message}`;
  });
  const healthy = results.every(({ failed }) => !failed);
  reply(response, healthy ? 200 : 503, [...lines, healthy ? 'ok' : 'not ok', ''].join('\n'));
}

/** A registry may be the user's own: when it throws, that is an answer too, and no end of the process. */
function replyMetrics(response: ServerResponse, metrics: () => string): void {
  let text: string;
  try {
    text = metrics();
  } catch (error) {
    return reply(
      response,
      500,
      `the metrics can't be read: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
  reply(response, 200, text, 'text/plain; version=0.0.4');
}

function reply(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, ...headers }).end(body);
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
