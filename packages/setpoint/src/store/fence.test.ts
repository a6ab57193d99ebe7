import { beforeEach, describe, expect, it } from 'vitest';
import { isSetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { fenceStore } from './fence.ts';
import { memoryStore } from './memory/memory-store.ts';
import type { CallOptions, Compare, Store, TxnRequest, WatchBatch } from './port.ts';

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (isSetpointError(error) ? error.code : error),
  );

describe('fenceStore', () => {
  let store: Store;
  let guard: Compare;

  beforeEach(async () => {
    store = memoryStore({ clock: new FakeClock() });
    const { revision } = await store.put({ key: 'lock', value: 'me' });
    guard = { key: 'lock', target: 'create', operator: '=', operand: revision };
  });

  it('I-150: writes as the store itself does while its compares hold', async () => {
    const fenced = fenceStore(store, { compares: [guard] });
    expect(await fenced.put({ key: 'a', value: '1' })).toEqual({ revision: 3n });
    expect((await fenced.put({ key: 'a', value: '2', prevKv: true })).prevKv).toMatchObject({ version: 1n });
    const txn = await fenced.txn({
      compares: [{ key: 'a', target: 'version', operator: '>', operand: 2n }],
      then: [{ put: { key: 'b', value: '' } }],
      else: [{ range: { prefix: 'a' } }],
    });
    expect(txn).toMatchObject({ succeeded: false, revision: 4n, responses: [{ range: { count: 1n } }] });
    expect(await fenced.delete({ key: 'a', prevKv: true })).toMatchObject({ revision: 5n, deleted: 1n });
    expect(await fenced.delete({ key: 'a' })).toEqual({ revision: 5n, deleted: 0n, prevKvs: [] });
  });

  it('passes calls on as they are when there is nothing to compare', async () => {
    const sent: string[] = [];
    const counting = new Proxy(store, {
      get(target, name: keyof Store) {
        const method = (target[name] as (...args: unknown[]) => unknown).bind(target);
        return (...args: unknown[]) => (sent.push(name), method(...args));
      },
    });
    const fenced = fenceStore(counting, { signal: new AbortController().signal });
    await fenced.put({ key: 'a', value: '1' });
    await fenced.txn({ then: [{ put: { key: 'b', value: '' } }] });
    await fenced.delete({ key: 'a' });
    expect(sent).toEqual(['put', 'txn', 'delete']);
  });

  it('F1, I-150: once a compare fails, every write fails with LockLost and the store is unchanged', async () => {
    const fenced = fenceStore(store, { compares: [guard] });
    await store.delete({ key: 'lock' });
    await store.put({ key: 'lock', value: 'somebody else' });
    const { revision } = await store.range({ key: 'lock' });
    expect(await codeOf(fenced.put({ key: 'a', value: '1' }))).toBe('LockLost');
    expect(await codeOf(fenced.delete({ key: 'lock' }))).toBe('LockLost');
    expect(await codeOf(fenced.txn({ then: [{ put: { key: 'a', value: '' } }] }))).toBe('LockLost');
    expect(await codeOf(fenced.txn({ compares: [guard], else: [{ put: { key: 'a', value: '' } }] }))).toBe('LockLost');
    expect((await store.range({ fromKey: '\0' })).kvs).toHaveLength(1);
    expect((await store.range({ key: 'lock' })).revision).toBe(revision);
    expect((await fenced.range({ key: 'lock' })).count).toBe(1n);
  });

  it('after its signal aborts every call is Closed with the reason as cause, and nothing is sent', async () => {
    const holder = new AbortController();
    const fenced = fenceStore(store, { compares: [guard], signal: holder.signal });
    const { id } = await fenced.leaseGrant({ ttlSeconds: 10 });
    const reason = new Error('attempt timed out');
    holder.abort(reason);
    const error = await fenced.put({ key: 'a', value: '' }).catch((thrown: unknown) => thrown);
    expect(isSetpointError(error, 'Closed') && error.cause).toBe(reason);
    const calls = [
      fenced.range({ key: 'a' }),
      fenced.txn({}),
      fenced.delete({ key: 'lock' }),
      fenced.compact(2n),
      fenced.leaseKeepAlive(id),
      fenced.leaseRevoke(id),
      fenced.status(),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'Closed'));
    expect((await store.range({ key: 'lock' })).count).toBe(1n);
    expect(await store.leases()).toEqual([id]);
  });

  it('a watch ends with Closed when the fence ends, and without an error when its own signal aborts', async () => {
    const holder = new AbortController();
    const own = new AbortController();
    const fenced = fenceStore(store, { signal: holder.signal });
    const seen: WatchBatch[] = [];
    const follow = async (signal?: AbortSignal): Promise<void> => {
      for await (const batch of fenced.watch({ prefix: 'a' }, signal ? { signal } : {})) seen.push(batch);
    };
    const [fencedOne, ownOne] = [codeOf(follow()), codeOf(follow(own.signal))];
    await settle();
    own.abort();
    expect(await ownOne).toBe('resolved');
    await fenced.put({ key: 'a', value: '' });
    await settle();
    expect(seen.map((batch) => batch.events.length)).toEqual([0, 0, 1]);
    holder.abort();
    expect(await fencedOne).toBe('Closed');
    expect(await codeOf(follow())).toBe('Closed');
  });

  it('a watch that is iterated once more begins once more, as in every store', async () => {
    const store = memoryStore();
    const { revision } = await store.put({ key: 'a', value: '' });
    const watch = fenceStore(store, {}).watch({ key: 'a', startRevision: revision });
    const seen: bigint[] = [];
    for (let round = 0; round < 2; round++) {
      for await (const batch of watch) {
        seen.push(batch.revision);
        break;
      }
    }
    expect(seen).toEqual([revision, revision]);
  });

  it('refuses a watch that makes no sense by the call itself, as every store does', () => {
    const fenced = fenceStore(store, {});
    expect(() => fenced.watch({ key: 'b', end: 'a' })).toThrow('watch.end');
    expect(() => fenced.watch({ key: 'a' }, { behindMax: -1 })).toThrow('watch.behindMax');
  });

  it("a caller's own abort is Aborted, not Closed", async () => {
    const fenced = fenceStore(store, { signal: new AbortController().signal });
    expect(await codeOf(fenced.range({ key: 'a' }, { signal: AbortSignal.abort() }))).toBe('Aborted');
  });

  it('closing the handle leaves the store open', async () => {
    const fenced = fenceStore(store, {});
    await fenced.close();
    await fenced.close();
    expect(await codeOf(fenced.range({ key: 'a' }))).toBe('Closed');
    expect(await codeOf(store.range({ key: 'a' }))).toBe('resolved');
  });

  it('makes one signal for all of its calls that bring none', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const noting = new Proxy(store, {
      get: (target, name: keyof Store) =>
        name !== 'txn'
          ? target[name]
          : (request: TxnRequest, options?: CallOptions) => (
              signals.push(options?.signal),
              target.txn(request, options)
            ),
    });
    const fenced = fenceStore(noting, { compares: [guard], signal: new AbortController().signal });
    for (const value of ['1', '2', '3']) await fenced.put({ key: 'a', value });
    expect(signals).toHaveLength(3);
    expect(new Set(signals).size).toBe(1);
  });

  it('I-180: keeps no listener on a long-lived signal', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    const fenced = fenceStore(store, { compares: [guard], signal });
    for (let i = 0; i < 20; i++) await fenced.put({ key: 'a', value: '' });
    for await (const batch of fenced.watch({ key: 'a' })) {
      expect(batch.events).toEqual([]);
      break;
    }
    expect(listeners).toBe(0);
  });
});
