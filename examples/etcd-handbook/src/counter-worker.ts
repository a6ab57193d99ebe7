/** One of the processes of `counter.ts`: adds one to a key so many times, under a lock of one of two kinds. */
import { etcdStore } from '@setpoint/etcd';
import { lock, openSession, type Store } from 'setpoint';
import { text } from './page.ts';

const [endpoints = '', kind = '', key = '', times = ''] = process.argv.slice(2);
const store = etcdStore({ endpoints: endpoints.split(','), dialTimeoutMs: 15_000, callTimeoutMs: 30_000 });
const session = await openSession({ store, ttlSeconds: 30 });

async function addOne(to: Store): Promise<void> {
  const { kvs } = await to.range({ key });
  await to.put({ key, value: String(Number(text(kvs[0]!.value)) + 1) });
}

/** Only one at a time, in this process: what a mutex of a language gives. */
let turn: Promise<void> = Promise.resolve();
function locally(work: () => Promise<void>): Promise<void> {
  return (turn = turn.then(work));
}

const increments = Array.from({ length: Number(times) }, () =>
  kind === 'local'
    ? () => locally(() => addOne(store))
    : async () => {
        const held = await lock(session, 'handbook-counter');
        await addOne(held.store);
        await held.release();
      },
);
for (const increment of increments) await increment();
await session.close();
await store.close();
