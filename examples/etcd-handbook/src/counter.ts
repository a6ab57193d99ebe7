/**
 * Five processes count to a thousand, each two hundred times: read, add one, write. With a lock that only their own
 * process knows of, increments get lost: each process keeps its own order, and nobody keeps that of the others. With a lock
 * in etcd none is.
 *
 *     $ etcdctl get /handbook/counter/distributed
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { page, text } from './page.ts';

const WORKERS = 5;
const EACH = 200;
const program = fileURLToPath(new URL('../dist/counter-worker.js', import.meta.url));

export const counter = page(import.meta, async ({ store, endpoints, say }) => {
  for (const kind of ['local', 'distributed'] as const) {
    const key = `/handbook/counter/${kind}`;
    await store.put({ key, value: '0' });
    await Promise.all(Array.from({ length: WORKERS }, () => runWorker([endpoints.join(','), kind, key, String(EACH)])));
    const total = Number(text((await store.range({ key })).kvs[0]!.value));
    const verdict = total === WORKERS * EACH ? 'none lost' : total < WORKERS * EACH ? 'some lost' : 'too many';
    say(`with a ${kind} lock: ${kind === 'distributed' ? `${total}, ` : ''}${verdict}`);
  }
});

function runWorker(workerArguments: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = fork(program, workerArguments);
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with code ${code}`))));
  });
}
