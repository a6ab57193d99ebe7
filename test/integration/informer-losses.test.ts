import { Etcd3 } from 'etcd3';
import { etcdStore } from '@setpoint/etcd';
import { createInformer } from 'setpoint/informer';
import { textCodec } from 'setpoint/resource';
import { keyRange, keyText, type Store, type WatchBatch, type WatchRequest } from 'setpoint/store';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { interposedStore } from '../harness/interposed-store.ts';

const PREFIX = '/lost/';

/** Events as the server sends them, by a client that doesn't know of the server's defects. */
async function* trustingWatch(client: Etcd3, request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchBatch> {
  const arrived: WatchBatch[] = [];
  let wake = (): void => {};
  const watcher = await client
    .watch()
    .prefix(keyText(keyRange(request).start))
    .startRevision(String(request.startRevision))
    .create();
  watcher.on('data', ({ events }) => {
    const batch = events.map(({ type, kv }) => ({
      type: type === 'Delete' ? ('delete' as const) : ('put' as const),
      kv: {
        key: kv.key,
        value: kv.value,
        createRevision: BigInt(kv.create_revision),
        modRevision: BigInt(kv.mod_revision),
        version: BigInt(kv.version),
        lease: BigInt(kv.lease),
      },
    }));
    arrived.push({ revision: batch.at(-1)!.kv.modRevision, events: batch });
    wake();
  });
  signal.addEventListener('abort', () => wake(), { once: true });
  while (!signal.aborted) {
    const next = arrived.shift();
    if (next) yield next;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
  await watcher.cancel();
}

/** Later ones keep a delete at the revision up to which history is compacted. */
const losing = (await availableEtcds()).filter((version) => version === '3.4');

describe.each(losing)('deletes that a server loses, on etcd %s', (version) => {
  let server: EtcdServer;
  let store: Store;
  let client: Etcd3;

  beforeAll(async () => {
    server = await startEtcd({ version });
    store = etcdStore({ endpoints: server.endpoints });
    client = new Etcd3({ hosts: [...server.endpoints] });
  });

  afterAll(async () => {
    client?.close();
    await store?.close();
    await server?.dispose();
  });

  it('F-37, F-38: a delete at the compacted revision never comes, and the audit finds and heals it', async () => {
    await store.put({ key: `${PREFIX}kept`, value: 'x' });
    await store.put({ key: `${PREFIX}deleted`, value: 'x' });
    const stop = new AbortController();
    let open = (): void => {};
    const compacted = new Promise<void>((resolve) => (open = resolve));
    const blind = interposedStore(store, {
      async *watch(request) {
        await compacted;
        yield* trustingWatch(client, request, stop.signal);
      },
    });
    const informer = createInformer({
      store: blind,
      prefix: PREFIX,
      codec: textCodec,
      audit: { periodMs: 2000 },
    });
    const found: string[] = [];
    const gone: string[] = [];
    informer.on('divergence', ({ examples }) => found.push(...examples.map(({ key }) => key)));
    informer.addEventHandler({ delete: (_object, { key }) => gone.push(key) });
    const running = informer.run(stop.signal);
    await informer.whenSynced();
    const { revision } = await store.delete({ key: `${PREFIX}deleted` });
    await store.compact(revision);
    open();
    await store.put({ key: `${PREFIX}later`, value: 'x' });

    await vi.waitFor(() => expect(informer.lister.has('later')).toBe(true), { timeout: 5000 });
    expect(informer.revision).toBeGreaterThan(revision);
    expect([informer.lister.has('deleted'), gone]).toEqual([true, []]);

    await vi.waitFor(() => expect(gone).toEqual(['deleted']), { timeout: 10_000 });
    expect(found).toEqual(['deleted']);
    expect([...informer.lister.keys()].sort()).toEqual(['kept', 'later']);
    expect(informer.counts).toMatchObject({ divergedKeys: 1, lists: 2 });
    stop.abort();
    await running;
  });
});
