import { openSync } from 'node:fs';
import { etcdStore } from '@setpoint/etcd';
import { seededRandom } from 'setpoint/testing';
import { Clients } from './client.ts';

/** How a worker process is started. */
export interface WorkerSetup {
  readonly worker: string;
  readonly endpoint: string;
  /** The file that its record goes to. */
  readonly record: string;
  readonly seed: number;
  readonly ttlSeconds: number;
  readonly fenced: boolean;
  readonly thinkMsMax: number;
}

/** What the campaign tells a worker. */
export type WorkerOrder =
  | { readonly begin: readonly string[]; readonly tries: number }
  /** To take no further part; it answers `idle` when nothing is under way. */
  | { readonly finish: true }
  /** Blocks the event loop, as a long computation does. */
  | { readonly stallMs: number };

const setup = JSON.parse(process.argv[2]!) as WorkerSetup;
const store = etcdStore({ endpoints: setup.endpoint, callTimeoutMs: 2000, dialTimeoutMs: 1000 });
const clients = new Clients({
  ...setup,
  store,
  record: openSync(setup.record, 'a'),
  random: seededRandom(setup.seed),
});
let finishing = new AbortController();
let taking: Promise<unknown> = Promise.resolve();

process.on('message', (order: WorkerOrder) => {
  if ('stallMs' in order) {
    const end = performance.now() + order.stallMs;
    while (performance.now() < end);
  } else if ('begin' in order) {
    finishing = new AbortController();
    const { signal } = finishing;
    taking = Promise.all(order.begin.map((history) => clients.take(history, order.tries, signal)));
    taking.then(
      () => process.send!('done'),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  } else {
    finishing.abort();
    taking.finally(() => process.send!('idle')).catch(() => {});
  }
});
process.on('disconnect', () => {
  process.exit(0);
});
process.send!('ready');
