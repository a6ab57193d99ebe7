import { get } from 'node:http';

/** One request of a client. */
interface Asked {
  readonly at: number;
  readonly ms: number;
  readonly failure: string | undefined;
}

/** What the clients saw in a stretch of time. */
export interface Seen {
  readonly requests: number;
  readonly failed: number;
  readonly failures: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** From the beginning of the stretch to the last request that failed. */
  readonly lastFailureMs: number;
}

const PAUSE_MS = 5;
const PATIENCE_MS = 5_000;

/** Clients that ask for one address without a pause, each request over a connection of its own. */
export class Traffic {
  readonly #asked: Asked[] = [];
  readonly #stop = new AbortController();
  readonly #clients: Promise<unknown>;

  constructor(port: number, clients: number) {
    this.#clients = Promise.all(Array.from({ length: clients }, () => this.#client(port)));
  }

  since(start: number): Seen {
    const asked = this.#asked.filter(({ at }) => at >= start);
    const failed = asked.filter(({ failure }) => failure !== undefined);
    const times = asked.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    return {
      requests: asked.length,
      failed: failed.length,
      failures: [...new Set(failed.map(({ failure }) => failure))].join(', '),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      lastFailureMs: failed.length === 0 ? 0 : Math.max(...failed.map((each) => each.at + each.ms)) - start,
    };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#clients;
  }

  async #client(port: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const at = performance.now();
      const failure = await ask(port);
      this.#asked.push({ at, ms: performance.now() - at, failure });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Why it failed; undefined when it was answered well. */
function ask(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, agent: false, timeout: PATIENCE_MS }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
      response.once('error', (error) => resolve(error.message));
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
