import { once } from 'node:events';
import { Etcd3 } from 'etcd3';
import { etcdStore } from '@setpoint/etcd';
import type { Store } from 'setpoint/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { type Random, seededRandom } from '../../packages/setpoint/src/internal/random.ts';
import { startProxy, type TcpProxy } from '../harness/tcp-proxy.ts';

const KEYS = 3000;
const PREFIX = '/cut/';

/** Where a test cuts the one connection that the watch has. */
type CutPoint = 'created' | 'first batch';

describe.each(await availableEtcds())('a watch that is cut while it catches up, on etcd %s', (version) => {
  let server: EtcdServer;
  let proxy: TcpProxy;
  let store: Store;
  let firstRevision: bigint;

  beforeAll(async () => {
    server = await startEtcd({ version });
    proxy = await startProxy(server.endpoints[0]!);
    // Each key has to be of a revision of its own.
    const writer = etcdStore({ endpoints: server.endpoints, combineWrites: false });
    const { revision } = await writer.put({ key: '/before', value: 'x' });
    firstRevision = revision + 1n;
    for (let first = 0; first < KEYS; first += 50) {
      const puts = Array.from({ length: 50 }, (_, i) =>
        writer.put({ key: `${PREFIX}${first + i}`, value: `${first + i}` }),
      );
      await Promise.all(puts);
    }
    await writer.close();
    store = etcdStore({ endpoints: proxy.endpoint });
  });

  afterAll(async () => {
    await store?.close();
    await proxy?.dispose();
    await server?.dispose();
  });

  /** Watches everything from the first revision on through the proxy, with one cut; gives each event's revision. */
  async function watchWithCut(at: CutPoint): Promise<bigint[]> {
    const stop = new AbortController();
    const seen: bigint[] = [];
    let cutsLeft = 1;
    const cutOnce = (): void => {
      if (cutsLeft-- > 0) proxy.cut();
    };
    const onConnection = (error?: unknown): void => {
      if (error === undefined && at === 'created') cutOnce();
    };
    const last = firstRevision + BigInt(KEYS) - 1n;
    for await (const batch of store.watch(
      { prefix: PREFIX, startRevision: firstRevision },
      { signal: stop.signal, onConnection },
    )) {
      for (const event of batch.events) seen.push(event.kv.modRevision);
      if (at === 'first batch' && batch.events.length > 0) cutOnce();
      if (batch.revision >= last) stop.abort();
    }
    expect(cutsLeft).toBeLessThanOrEqual(0);
    return seen;
  }

  const everyRevision = (): bigint[] => Array.from({ length: KEYS }, (_, index) => firstRevision + BigInt(index));

  it('F-23 I-73: loses none of 3,000 events and doubles none when it is cut right after "created"', async () => {
    expect(await watchWithCut('created')).toEqual(everyRevision());
  });

  it('F-22 I-73: loses none of 3,000 events and doubles none when it is cut after the first batch', async () => {
    expect(await watchWithCut('first batch')).toEqual(everyRevision());
  });

  it('F-22 F-23: holds over 50 cuts of both kinds', { timeout: 170_000 }, async () => {
    for (let round = 0; round < 50; round++) {
      expect(await watchWithCut(round % 2 === 0 ? 'created' : 'first batch')).toEqual(everyRevision());
    }
  });

  /** Watches everything while connections end at random bytes; gives each event's revision. */
  async function watchOverRandomEnds(random: Random): Promise<bigint[]> {
    const stop = new AbortController();
    const seen: bigint[] = [];
    const last = firstRevision + BigInt(KEYS) - 1n;
    // Below the size of the first batch: the first connection never gets it through.
    proxy.cutAfter('server', 1 + Math.floor(random.next() * 20_000));
    for await (const batch of store.watch({ prefix: PREFIX, startRevision: firstRevision }, { signal: stop.signal })) {
      for (const event of batch.events) seen.push(event.kv.modRevision);
      proxy.cutAfter('server', 1 + Math.floor(random.next() * 30_000));
      if (batch.revision >= last) stop.abort();
    }
    proxy.cutAfter('server', Infinity);
    return seen;
  }

  it('F-28: loses and doubles nothing when streams end at random bytes, again and again', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seededRandom(seed);
    const linksBefore = proxy.accepted;
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      expect(await watchOverRandomEnds(random), `seed ${seed}, round ${round}`).toEqual(everyRevision());
    }
    expect(proxy.accepted - linksBefore, `seed ${seed}: connections`).toBeGreaterThanOrEqual(rounds);
  });

  /** The same cuts under the watcher of the etcd3 package: shows that the cuts above do cut where it hurts. */
  async function etcd3WatchWithCut(at: CutPoint): Promise<number> {
    const client = new Etcd3({ hosts: proxy.endpoint });
    const seen = new Set<string>();
    let cutsLeft = 1;
    const cutOnce = (): void => {
      if (cutsLeft-- > 0) proxy.cut();
    };
    const watcher = client.watch().prefix(PREFIX).startRevision(String(firstRevision)).watcher();
    try {
      watcher.on('error', () => {});
      watcher.once('connected', () => at === 'created' && cutOnce());
      watcher.on('data', (response) => {
        for (const event of response.events) seen.add(event.kv.mod_revision);
        if (at === 'first batch') cutOnce();
      });
      await once(watcher, 'disconnected');
      await once(watcher, 'connected');
      // It says that it is live again: what is written from now on arrives. What it left out never does.
      const writer = etcdStore({ endpoints: server.endpoints });
      const { revision } = await writer.put({ key: `${PREFIX}after`, value: 'x' });
      await writer.close();
      while (!seen.has(String(revision))) await once(watcher, 'data');
      return seen.size - 1;
    } finally {
      await watcher.cancel();
      client.close();
    }
  }

  it('loses all 3,000 with the watcher of the etcd3 package when cut right after "created"', async () => {
    expect(KEYS - (await etcd3WatchWithCut('created'))).toBe(3000);
  });

  it('loses 2,000 of 3,000 with the watcher of the etcd3 package when cut after the first batch', async () => {
    expect(KEYS - (await etcd3WatchWithCut('first batch'))).toBe(2000);
  });
});
