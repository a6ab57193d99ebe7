import { etcdStore } from '@setpoint/etcd';
import { isSetpointError } from 'setpoint';
import { memoryStore, type Store, type WatchEvent, type WatchRequest } from 'setpoint/store';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { revisionOf, text, type Watching, watching } from './fixture.ts';
import { type Call, RandomCalls } from './random-calls.ts';

/** How many random sequences each version is compared over, and the first seed; a failure names its seed. */
const SEQUENCES = Number(process.env['SETPOINT_SEQUENCES'] ?? 60);
const FIRST_SEED = Number(process.env['SETPOINT_SEED'] ?? 1);
const CALLS = 40;

async function answerOf(store: Store, call: Call): Promise<unknown> {
  try {
    if ('range' in call) return await store.range(call.range);
    if ('put' in call) return await store.put(call.put);
    if ('delete' in call) return await store.delete(call.delete);
    if ('txn' in call) return await store.txn(call.txn);
    if ('compact' in call) return await store.compact(call.compact);
    if ('grant' in call) return await store.leaseGrant(call.grant);
    if ('revoke' in call) return await store.leaseRevoke(call.revoke);
    const { keys } = await store.leaseTimeToLive(call.keysOf, { keys: true });
    return keys.map((key) => Buffer.from(key).toString('hex')).toSorted();
  } catch (error) {
    if (isSetpointError(error)) return `failed with ${error.code}`;
    throw error;
  }
}

/** What a watch delivers from `startRevision` until the put of the last key of all. */
async function eventsUntilEnd(store: Store, request: WatchRequest): Promise<WatchEvent[]> {
  const watch = watching(store, request);
  for (
    let count = 1;
    text(watch.events.at(-1)?.kv.key ?? END.subarray(1)) !== text(END);
    count = watch.events.length + 1
  ) {
    await watch.atLeast(count);
  }
  await watch.stop();
  return [...watch.events];
}

/** Behind all keys of the random calls, so that any range without an end has it. */
const END = new TextEncoder().encode('\u00ff\u00ff');

/** Asks both stores the same random calls and expects the same answers, then the same history from watches. */
async function compareStores(real: Store, seed: number): Promise<void> {
  await real.delete({ fromKey: '\0' });
  const base = await revisionOf(real);
  const model = memoryStore({ clock: new FakeClock(), initialRevision: base });
  const random = seededRandom(seed);
  const calls = new RandomCalls(random);
  const leases: bigint[] = [];
  const live = [model, real].map((store) => watching(store, { fromKey: '\0' }));
  for (const watch of live) await watch.begun();
  let compacted = base;
  for (let step = 0; step < CALLS; step++) {
    const call = calls.next({ base, now: await revisionOf(model), leases });
    const [expected, actual] = [await answerOf(model, call), await answerOf(real, call)];
    expect(actual, `seed ${seed}, step ${step}: ${show(call)}`).toEqual(expected);
    if (typeof expected === 'string') continue;
    if ('grant' in call) leases.push(call.grant.id);
    if ('compact' in call) compacted = call.compact;
  }
  for (const store of [model, real]) await store.put({ key: END, value: '' });
  const now = await revisionOf(model);
  const startRevision = compacted + 1n + BigInt(Math.floor(random.next() * Number(now - compacted)));
  const request: WatchRequest = {
    ...calls.openRange(),
    startRevision,
    prevKv: random.next() < 0.7,
    ...(random.next() < 0.3 && { exclude: 'delete' }),
  };
  const [expected, actual] = [await eventsUntilEnd(model, request), await eventsUntilEnd(real, request)];
  expect(actual, `seed ${seed}: watch ${show(request)}`).toEqual(expected);
  const [expectedLive, actualLive] = live as [Watching, Watching];
  await actualLive.atLeast(expectedLive.events.length);
  expect(actualLive.events, `seed ${seed}: live watch`).toEqual(expectedLive.events);
  for (const watch of live) await watch.stop();
  for (const id of await real.leases()) await real.leaseRevoke(id);
  await model.close();
}

function show(call: object): string {
  return JSON.stringify(call, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

for (const version of await availableEtcds()) {
  describe(`memoryStore against etcd ${version}`, () => {
    let server: EtcdServer;
    let real: Store;
    beforeAll(async () => {
      server = await startEtcd({ version });
      real = etcdStore({ endpoints: server.endpoints });
    });
    afterAll(async () => {
      await real.close();
      await server.dispose();
    });

    it(
      `answers ${SEQUENCES} random sequences of ${CALLS} calls alike`,
      async () => {
        for (let i = 0; i < SEQUENCES; i++) await compareStores(real, FIRST_SEED + i);
      },
      120_000 + SEQUENCES * 1000,
    );
  });
}
