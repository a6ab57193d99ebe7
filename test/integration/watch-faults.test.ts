import { rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError, type SetpointError } from 'setpoint';
import type { Store } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { testEtcd, testProxy, testStore, testWatch } from '../harness/disposal.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const failed = (error: unknown): SetpointError => {
  expect(isSetpointError(error), String(error)).toBe(true);
  return error as SetpointError;
};

/** Writes keys one after the other until told to stop; gives the revisions that were acknowledged. */
function steadyWriter(store: Store, prefix: string): { stop(): Promise<readonly bigint[]> } {
  let going = true;
  const acknowledged: bigint[] = [];
  const run = async (): Promise<void> => {
    for (let number = 0; going; number++) {
      const put = store.put({ key: `${prefix}${number % 50}`, value: String(number) }, { timeoutMs: 1000 });
      await put.then(
        ({ revision }) => acknowledged.push(revision),
        () => wait(20),
      );
    }
  };
  const done = run();
  return {
    async stop() {
      going = false;
      await done;
      return acknowledged;
    },
  };
}

describe.each(await availableEtcds())('a watch on etcd %s', (version) => {
  it('F-1: loses nothing and doubles nothing over kill -9 and restart while writes go on', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    const { revision } = await store.put({ key: '/start', value: '' });
    const watch = testWatch(store, { prefix: '/live/', startRevision: revision + 1n });
    const writer = steadyWriter(testStore({ endpoints: server.endpoints }), '/live/');
    for (let crash = 0; crash < 3; crash++) {
      await wait(300);
      await server.restart();
    }
    await wait(300);
    const acknowledged = await writer.stop();
    const final = await store.put({ key: '/live/final', value: '' });
    await watch.until(() => watch.events.at(-1)?.kv.modRevision === final.revision, 'the last write');
    const seen = watch.events.map(({ kv }) => kv.modRevision);
    // Only this writer writes, one key a revision: whatever the store has, acknowledged or not, is a run of numbers.
    expect(seen).toEqual(
      Array.from({ length: Number(final.revision - revision) }, (_, i) => revision + 1n + BigInt(i)),
    );
    const delivered = new Set(seen);
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(acknowledged.filter((each) => !delivered.has(each))).toEqual([]);
    expect(watch.connection.filter((said) => said === 'up').length).toBeGreaterThanOrEqual(2);
  });

  it('F-34 I-76: ends with Compacted and the revision when the history it needs was compacted meanwhile', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const direct = testStore({ endpoints: server.endpoints });
    const watch = testWatch(testStore({ endpoints: proxy.endpoint }), { prefix: '/c/' });
    await watch.until(() => watch.batches.length > 0);
    proxy.refuse();
    let revision = 0n;
    for (let number = 0; number < 10; number++) ({ revision } = await direct.put({ key: '/c/x', value: `${number}` }));
    await direct.compact(revision);
    proxy.release();
    const error = failed(await watch.over);
    expect(error.code).toBe('Compacted');
    expect(error.details.revision).toBe(revision);
    expect(error.message).toContain('list again');
    expect(watch.events).toEqual([]);
    const late = failed(await testWatch(direct, { prefix: '/c/', startRevision: 2n }).over);
    expect([late.code, late.details.revision]).toEqual(['Compacted', revision]);
  });

  it('I-83 I-174: a progress mark moves the resume point and carries no event', async () => {
    const server = await testEtcd({ version, flags: ['--experimental-watch-progress-notify-interval=100ms'] });
    const proxy = await testProxy(server.endpoints[0]!);
    const direct = testStore({ endpoints: server.endpoints });
    const { revision: before } = await direct.put({ key: '/other', value: '' });
    const watch = testWatch(testStore({ endpoints: proxy.endpoint }), {
      prefix: '/quiet/',
      startRevision: before + 1n,
    });
    let revision = before;
    for (let number = 0; number < 20; number++)
      ({ revision } = await direct.put({ key: '/other', value: `${number}` }));
    await watch.until(() => watch.batches.at(-1)?.revision === revision, 'a mark');
    proxy.refuse();
    // Were it to resume from where it started, this would end it.
    await direct.compact(revision);
    proxy.release();
    const last = await direct.put({ key: '/quiet/a', value: 'now' });
    await watch.until(() => watch.events.length > 0, 'the event');
    expect(watch.events.map(({ kv }) => kv.modRevision)).toEqual([last.revision]);
    const marks = watch.batches.filter(({ events }) => events.length === 0).map((batch) => batch.revision);
    expect(marks).toEqual([...marks].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('I-74 I-171: never splits a revision of several keys, wherever it is cut', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const direct = testStore({ endpoints: server.endpoints });
    const { revision: before } = await direct.put({ key: '/start', value: '' });
    let last = before;
    for (let number = 0; number < 1100; number++) {
      const keys = ['/t/a', '/t/b', '/t/c'];
      const puts = keys.map((key) => ({ put: { key, value: `${number}` } }));
      ({ revision: last } = await direct.txn({ then: puts }));
    }
    const watch = testWatch(testStore({ endpoints: proxy.endpoint }), { prefix: '/t/', startRevision: before + 1n });
    for (let cut = 0; cut < 3; cut++) {
      proxy.cutAfter('server', 20_000 + 30_000 * cut);
      await wait(60);
    }
    proxy.cutAfter('server', Infinity);
    await watch.until(() => watch.batches.at(-1)?.revision === last, 'the last transaction');
    const perBatch = watch.batches.flatMap(({ events }) => {
      const counts = new Map<bigint, number>();
      for (const { kv } of events) counts.set(kv.modRevision, (counts.get(kv.modRevision) ?? 0) + 1);
      return [...counts];
    });
    expect(perBatch).toEqual(Array.from({ length: 1100 }, (_, i) => [before + 1n + BigInt(i), 3]));
  });

  it('F-28 I-74: puts a revision together that came in fragments, and drops the pieces of one that was cut', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const direct = testStore({ endpoints: server.endpoints });
    const puts = (fill: string): { put: { key: string; value: string } }[] =>
      Array.from({ length: 12 }, (_, i) => ({ put: { key: `/f/${i}`, value: fill.repeat(110_000) } }));
    await direct.txn({ then: puts('a') });
    // With what they replaced, the events of this one revision are over 2.5 MiB: etcd sends them in pieces.
    const { revision } = await direct.txn({ then: puts('b') });
    proxy.cutAfter('server', 1_800_000);
    const watch = testWatch(testStore({ endpoints: proxy.endpoint }), {
      prefix: '/f/',
      startRevision: revision,
      prevKv: true,
    });
    await watch.until(() => watch.events.length > 0, 'the revision');
    expect(watch.batches.map((batch) => [batch.revision, batch.events.length])).toEqual([[revision, 12]]);
    expect(watch.events.every(({ kv, prevKv }) => kv.value[0] === 98 && prevKv?.value[0] === 97)).toBe(true);
    expect(watch.connection.filter((said) => said !== 'up').length).toBeGreaterThanOrEqual(1);
  });

  it("F-64: lists and watches 60 values of 100 KiB, over gRPC's own limit of 4 MiB", async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    const { revision } = await store.put({ key: '/start', value: '' });
    const value = new Uint8Array(100 * 1024).fill(7);
    for (let number = 0; number < 60; number++) await store.put({ key: `/big/${number}`, value });
    const list = await store.range({ prefix: '/big/' });
    expect(list.kvs.reduce((bytes, kv) => bytes + kv.value.length, 0)).toBe(60 * 100 * 1024);
    const watch = testWatch(store, { prefix: '/big/', startRevision: revision + 1n });
    await watch.until(() => watch.events.length === 60, '60 events');
    expect(watch.events.every(({ kv }) => kv.value.length === value.length)).toBe(true);
    expect(watch.connection).toEqual(['up']);
  });

  it('F-3: waits for an etcd that is absent at start, and says so meanwhile', async () => {
    const server = await testEtcd({ version });
    await server.stop();
    const store = testStore({ endpoints: server.endpoints });
    const watch = testWatch(store, { prefix: '/late/' });
    const error = failed(await store.range({ prefix: '/late/' }, { timeoutMs: 500 }).catch((e: unknown) => e));
    expect(error.code).toBe('Unavailable');
    expect(error.message).toContain(server.endpoints[0]);
    expect(error.message).toContain('ECONNREFUSED');
    expect(watch.batches).toEqual([]);
    await server.restart();
    await watch.until(() => watch.batches.length > 0, 'the first mark');
    await store.put({ key: '/late/x', value: '' });
    await watch.until(() => watch.events.length === 1, 'the event');
  });

  it('F-45 I-93: ends with HistoryReset when the data is gone, and a new watch follows the new history', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    for (let number = 0; number < 30; number++) await store.put({ key: '/h/x', value: `${number}` });
    const watch = testWatch(store, { prefix: '/h/' });
    await watch.until(() => watch.batches.length > 0);
    await server.kill();
    await rm(server.members[0]!.dataFolder, { recursive: true });
    await server.restart();
    const error = failed(await watch.over);
    expect(error.code).toBe('HistoryReset');
    expect(error.details.revision).toBeLessThan(30n);
    const next = testWatch(store, { prefix: '/h/' });
    await next.until(() => next.batches.length > 0);
    await store.put({ key: '/h/y', value: '' });
    await next.until(() => next.events.length === 1, 'an event of the new history');
  });

  it('F-20 F-21: refuses another cluster behind the same address, for watches and calls, and mixes nothing in', async () => {
    const [own, other] = [await testEtcd({ version }), await testEtcd({ version })];
    const proxy = await testProxy(own.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint });
    await store.put({ key: '/m/x', value: 'own' });
    await testStore({ endpoints: other.endpoints }).put({ key: '/m/x', value: 'other' });
    const watch = testWatch(store, { prefix: '/m/' });
    await watch.until(() => watch.batches.length > 0);
    proxy.retarget(other.endpoints[0]!);
    proxy.cut();
    expect(failed(await watch.over).code).toBe('ClusterMismatch');
    expect(watch.events).toEqual([]);
    const error = failed(await store.put({ key: '/m/x', value: 'mixed' }).catch((e: unknown) => e));
    expect(error.code).toBe('ClusterMismatch');
    expect(await other.etcdctl(['get', '--print-value-only', '/m/x'])).toBe('other\n');
  });

  it('F-10 I-92: is told by a member that has lost its leader, instead of hearing nothing, and goes on afterwards', async () => {
    const server = await testEtcd({ version, members: 3 });
    const store = testStore({ endpoints: server.endpoints[0]! });
    const watch = testWatch(store, { prefix: '/q/' });
    await watch.until(() => watch.connection.length > 0);
    await Promise.all([server.members[1]!.kill(), server.members[2]!.kill()]);
    await watch.until(() => watch.connection.length > 1, 'the break');
    expect(watch.connection[1]).toContain('no leader');
    await Promise.all([1, 2].map((index) => server.members[index]!.restart({ ready: false })));
    await Promise.all(server.members.map((member) => member.ready()));
    await store.put({ key: '/q/x', value: '' }, { timeoutMs: 20_000 });
    await watch.until(() => watch.events.length === 1, 'the event');
    expect(watch.connection.at(-1)).toBe('up');
  });

  it('F-24: notices a link that has gone silent by its keep-alive, and misses nothing', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint, keepAliveMs: 1000, keepAliveTimeoutMs: 500 });
    const watch = testWatch(store, { prefix: '/s/' });
    await watch.until(() => watch.batches.length > 0);
    proxy.hold('both');
    const direct = testStore({ endpoints: server.endpoints });
    for (let number = 0; number < 60; number++) await direct.put({ key: `/s/${number}`, value: '' });
    const heldAt = performance.now();
    await watch.until(() => watch.connection.length > 1, 'the break');
    expect(performance.now() - heldAt).toBeLessThan(4000);
    proxy.release();
    await watch.until(() => watch.events.length >= 60, 'all events');
    expect(watch.events.map(({ kv }) => text(kv.key))).toEqual(Array.from({ length: 60 }, (_, i) => `/s/${i}`));
  });

  it('a reader that has stopped reading holds the server back, and gets everything later', async () => {
    const server = await testEtcd({ version });
    let received = 0;
    const proxy = await testProxy(server.endpoints[0]!, {
      onData: ({ from, bytes }) => (received += from === 'server' ? bytes.length : 0),
    });
    const direct = testStore({ endpoints: server.endpoints });
    const { revision } = await direct.put({ key: '/start', value: '' });
    const value = new Uint8Array(500 * 1024).fill(1);
    const count = 200;
    for (let number = 0; number < count; number++) await direct.put({ key: `/b/${number % 4}`, value });
    const stop = new AbortController();
    let events = 0;
    const store = testStore({ endpoints: proxy.endpoint });
    for await (const batch of store.watch({ prefix: '/b/', startRevision: revision + 1n }, { signal: stop.signal })) {
      if (events === 0) await wait(1500);
      if (events === 0) expect(received).toBeLessThan((count * value.length) / 2);
      events += batch.events.length;
      if (events === count) stop.abort();
    }
    expect(events).toBe(count);
  });

  it('I-89: ends its iteration at once when its signal aborts, without an error, and tells the server', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    const watch = testWatch(store, { prefix: '/e/' });
    await watch.until(() => watch.batches.length > 0);
    const watchers = async (): Promise<string> => {
      const metrics = await (await fetch(`${server.endpoints[0]}/metrics`)).text();
      return /^etcd_debugging_mvcc_watcher_total (\d+)/m.exec(metrics)![1]!;
    };
    expect(await watchers()).toBe('1');
    const abortedAt = performance.now();
    await watch.stop();
    expect(performance.now() - abortedAt).toBeLessThan(50);
    expect(await watch.over).toBeUndefined();
    for (let tries = 0; tries < 50 && (await watchers()) !== '0'; tries++) await wait(20);
    expect(await watchers()).toBe('0');
  });
});
