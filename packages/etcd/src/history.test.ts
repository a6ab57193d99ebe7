import { SetpointError } from 'setpoint';
import { type KeyValue, memoryStore, type RangeResponse, toBytes } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { History, type ReadKey } from './history.ts';

/** Reads of a store in memory, counted. */
function reader(store = memoryStore()): { store: typeof store; read: ReadKey; reads: () => number } {
  let reads = 0;
  const read: ReadKey = (key = toBytes('/any'), revision = 0n) => {
    reads++;
    return store.range({ key, revision });
  };
  return { store, read, reads: () => reads };
}

const FIRST = {};
const SECOND = {};

async function put(store: ReturnType<typeof memoryStore>, key: string, value: string): Promise<RangeResponse> {
  await store.put({ key, value });
  return store.range({ key });
}

/** A history that has seen `key` as the store has it now. */
async function having(store: ReturnType<typeof memoryStore>, key: string): Promise<History> {
  const history = new History();
  const { revision, kvs } = await store.range({ key });
  history.observe(FIRST, revision, kvs);
  return history;
}

describe('the history of a store', () => {
  it('trusts the first connection without asking, and later ones after one read where nothing changed', async () => {
    const { store, read, reads } = reader();
    await put(store, '/a', '1');
    const history = await having(store, '/a');
    await history.confirm(FIRST, read);
    expect(reads()).toBe(0);
    await Promise.all([history.confirm(SECOND, read), history.confirm(SECOND, read)]);
    expect([history.incarnation, reads()]).toEqual([0, 1]);
  });

  it('F-40: is reset when the store is below what was seen', async () => {
    const old = reader();
    for (let i = 0; i < 5; i++) await put(old.store, '/a', `${i}`);
    const history = await having(old.store, '/a');
    const restored = reader();
    await put(restored.store, '/a', '0');
    await history.confirm(SECOND, restored.read);
    expect(history.incarnation).toBe(1);
    expect(history.lastReset).toEqual({ seen: 6n, now: 2n });
  });

  it.each([
    ['another key stands at that revision', '/b', '5'],
    ['the same key has another value at that revision', '/a', 'other'],
  ])('F-41: is reset when the store has overtaken it and %s', async (_, key, value) => {
    const old = reader();
    await put(old.store, '/a', '5');
    const history = await having(old.store, '/a');
    const restored = reader();
    await put(restored.store, key, value);
    for (let i = 0; i < 5; i++) await put(restored.store, key, `later ${i}`);
    await history.confirm(SECOND, restored.read);
    expect(history.incarnation).toBe(1);
  });

  it('F-41: goes on when the key was only written again since', async () => {
    const { store, read, reads } = reader();
    await put(store, '/a', '1');
    const history = await having(store, '/a');
    await put(store, '/a', '2');
    await history.confirm(SECOND, read);
    expect([history.incarnation, reads()]).toEqual([0, 2]);
  });

  it('F-41: tells by a deletion that was seen: there a revision earlier, gone at its own', async () => {
    const { store, read } = reader();
    await put(store, '/a', '1');
    const { revision } = await store.delete({ key: '/a' });
    const seen = async (on: ReadKey): Promise<number> => {
      const history = new History();
      const kv = { key: toBytes('/a'), value: new Uint8Array(), modRevision: revision } as KeyValue;
      history.observe(FIRST, 1n);
      history.observeEvents(FIRST, [{ type: 'delete', kv }]);
      await history.confirm(SECOND, on);
      return history.incarnation;
    };
    await put(store, '/b', '1');
    expect(await seen(read)).toBe(0);
    const other = reader();
    for (let i = 0; i < 5; i++) await put(other.store, '/b', `${i}`);
    expect(await seen(other.read)).toBe(1);
    const kept = reader();
    await put(kept.store, '/a', '1');
    for (let i = 0; i < 5; i++) await put(kept.store, '/b', `${i}`);
    expect(await seen(kept.read)).toBe(1);
  });

  it('F-41: takes a key that came and went in one transaction for no evidence', async () => {
    const { store, read } = reader();
    await put(store, '/b', '1');
    const [put1, delete1] = [{ put: { key: '/a', value: '1' } }, { delete: { key: '/a' } }];
    const { revision } = await store.txn({ then: [{ txn: { then: [put1] } }, { txn: { then: [delete1] } }] });
    const history = new History();
    for await (const { events } of store.watch({ prefix: '/a', startRevision: revision })) {
      history.observe(FIRST, 1n);
      history.observeEvents(FIRST, events);
      if (events.length > 0) break;
    }
    await history.confirm(SECOND, read);
    expect(history.incarnation).toBe(0);
  });

  it('can not tell when the evidence is compacted, and goes on', async () => {
    const { store, read } = reader();
    await put(store, '/a', '1');
    const history = await having(store, '/a');
    const { revision } = await put(store, '/a', '2');
    await store.compact(revision);
    await history.confirm(SECOND, read);
    expect(history.incarnation).toBe(0);
  });

  it('keeps nothing as evidence that came over a connection it has not confirmed', async () => {
    const old = reader();
    await put(old.store, '/a', '1');
    const history = await having(old.store, '/a');
    const restored = reader();
    for (let i = 0; i < 5; i++) await put(restored.store, '/b', `${i}`);
    const { revision, kvs } = await restored.store.range({ key: '/b' });
    history.observe(SECOND, revision, kvs);
    await history.confirm(SECOND, restored.read);
    expect(history.incarnation).toBe(1);
    // Over the confirmed one it is the new history.
    history.observe(SECOND, revision, kvs);
    await history.confirm({}, restored.read);
    expect(history.incarnation).toBe(1);
  });

  it('asks again after a check that failed, and without the key where it may not be read any more', async () => {
    const { store, read } = reader();
    await put(store, '/a', '1');
    const history = await having(store, '/a');
    const down: ReadKey = () => Promise.reject(new SetpointError('Unavailable', 'down'));
    await expect(history.confirm(SECOND, down)).rejects.toThrow('down');
    const denied: ReadKey = (key, revision) =>
      key ? Promise.reject(new SetpointError('PermissionDenied', 'no')) : read(key, revision);
    await history.confirm(SECOND, denied);
    expect(history.incarnation).toBe(0);
  });

  it('F-40: is reset once by two connections that find out at the same time, and believes both of them afterwards', async () => {
    const old = reader();
    for (let i = 0; i < 5; i++) await put(old.store, '/a', `${i}`);
    const history = await having(old.store, '/a');
    const restored = reader();
    const { revision, kvs } = await put(restored.store, '/b', '0');
    const both = [{}, {}];
    await Promise.all(both.map((connection) => history.confirm(connection, restored.read)));
    expect(history.incarnation).toBe(1);
    // What either says is evidence of the new history, and tells it from yet another.
    for (const connection of both) {
      history.observe(connection, revision, kvs);
      await put(restored.store, '/b', '1');
      history.observe(connection, ...seenIn(await restored.store.range({ key: '/b' })));
    }
    expect(await resetsBy(history, reader().read)).toBe(1);
  });

  it('F-40: asks a connection of the former history again, should it still stand', async () => {
    const old = reader();
    for (let i = 0; i < 5; i++) await put(old.store, '/a', `${i}`);
    const history = await having(old.store, '/a');
    const again = {};
    await history.confirm(again, old.read);
    const restored = reader();
    await put(restored.store, '/b', '0');
    await history.confirm(SECOND, restored.read);
    history.observe(SECOND, ...seenIn(await restored.store.range({ key: '/b' })));
    await history.confirm(again, old.read);
    expect(history.incarnation).toBe(2);
  });
});

const seenIn = ({ revision, kvs }: RangeResponse): [bigint, readonly KeyValue[]] => [revision, kvs];

/** How often it is reset by a connection on which this is read. */
async function resetsBy(history: History, read: ReadKey): Promise<number> {
  const before = history.incarnation;
  await history.confirm({}, read);
  return history.incarnation - before;
}
