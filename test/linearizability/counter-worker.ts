import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { Etcd3 } from 'etcd3';
import { isSetpointError, lock, openSession, type Session } from 'setpoint';
import { seededRandom } from 'setpoint/testing';

/** How one process increments the shared counter. */
export interface CounterSetup {
  readonly endpoint: string;
  /** `unfenced`: under our lock, without its fence. `etcd3`: under the lock of the etcd3 package. */
  readonly client: 'setpoint' | 'unfenced' | 'etcd3';
  /** It ends after so many acknowledged increments. */
  readonly increments: number;
  /** Or when this time is over. */
  readonly withinMs: number;
  readonly ttlSeconds: number;
  /** The share of critical sections that are stalled between reading and writing, and how. */
  readonly stallShare: number;
  readonly stall: 'busy' | 'STOP';
  readonly seed: number;
}

export type CounterReport =
  /** Send SIGSTOP now, and SIGCONT after so long. */
  | { readonly stopMs: number }
  | {
      readonly acknowledged: number;
      readonly refused: number;
      readonly unknown: number;
      readonly stalls: number;
      /** Refusals that were anything but `LockLost`. */
      readonly surprises: readonly string[];
    };

/** Where nothing was to be written yet. */
const EXPECTED = new Set(['SessionExpired', 'Timeout', 'Unavailable', 'DeadlineExceeded']);
const KEY = '/counter';
const setup = JSON.parse(process.argv[2]!) as CounterSetup;
const random = seededRandom(setup.seed);
const count = { acknowledged: 0, refused: 0, unknown: 0, stalls: 0, surprises: [] as string[] };
const deadline = performance.now() + setup.withinMs;

const goingOn = (): boolean => count.acknowledged < setup.increments && performance.now() < deadline;
const send = (report: CounterReport): void => void process.send!(report);

/** Longer than the lease lives. */
async function maybeStall(): Promise<void> {
  if (random.next() >= setup.stallShare) return;
  count.stalls++;
  const ms = setup.ttlSeconds * 1000 * (1.2 + random.next());
  if (setup.stall === 'busy') {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return;
  }
  const before = performance.now();
  send({ stopMs: ms });
  while (performance.now() - before < ms / 2) await wait(5); // until it was stopped
}

async function underOurLock(): Promise<void> {
  const store = etcdStore({ endpoints: setup.endpoint });
  let session: Session | undefined;
  while (goingOn()) {
    try {
      session = session?.alive ? session : await openSession({ store, ttlSeconds: setup.ttlSeconds });
      const held = await lock(session, 'counter', { timeoutMs: 5000 });
      const { kvs } = await held.store.range({ key: KEY });
      const value = Number(new TextDecoder().decode(kvs[0]?.value)) + 1;
      await maybeStall();
      await (setup.client === 'unfenced' ? store : held.store).put({ key: KEY, value: String(value) });
      count.acknowledged++;
      await held.release();
    } catch (error) {
      if (isSetpointError(error, 'OutcomeUnknown')) count.unknown++;
      else if (isSetpointError(error, 'LockLost')) count.refused++;
      else if (!isSetpointError(error) || !EXPECTED.has(error.code)) count.surprises.push(String(error));
    }
  }
  await session?.close();
  await store.close();
}

async function underEtcd3Lock(): Promise<void> {
  const client = new Etcd3({ hosts: setup.endpoint });
  while (goingOn()) {
    const held = client.lock('counter').ttl(setup.ttlSeconds);
    try {
      await held.acquire();
    } catch {
      await wait(10 + random.next() * 20); // it waits for nobody
      continue;
    }
    try {
      const value = Number((await client.get(KEY).string()) ?? 0) + 1;
      await maybeStall();
      await client.put(KEY).value(String(value));
      count.acknowledged++;
      await held.release();
    } catch {
      count.refused++;
    }
  }
  client.close();
}

await (setup.client === 'etcd3' ? underEtcd3Lock() : underOurLock());
send(count);
process.disconnect();
