import { describe, expect, it } from 'vitest';
import { isSetpointError } from '../../errors/index.ts';
import { FakeClock, settle } from '../../internal/fake-clock.ts';
import { seededRandom } from '../../internal/random.ts';
import type { WatchBatch, WatchRequest } from '../port.ts';
import { progressRequests } from '../progress-requests.ts';
import { MemoryStore, type MemoryStoreOptions, memoryStore } from './memory-store.ts';

/** A store on virtual time and a way to follow a watch of it. */
function setUp(options: MemoryStoreOptions = {}) {
  const clock = new FakeClock();
  const store = memoryStore({ clock, random: seededRandom(1), ...options });
  const follow = (request: WatchRequest) => {
    const abort = new AbortController();
    const batches: WatchBatch[] = [];
    const over = (async () => {
      try {
        for await (const batch of store.watch(request, { signal: abort.signal })) batches.push(batch);
        return 'done';
      } catch (error) {
        return isSetpointError(error) ? error.code : error;
      }
    })();
    return { batches, over, stop: () => abort.abort() };
  };
  return { clock, store, follow };
}

describe('memoryStore', () => {
  it('begins at revision 1 with nothing in it', async () => {
    const { store } = setUp();
    expect(await store.range({ fromKey: '\0' })).toEqual({ revision: 1n, kvs: [], more: false, count: 0n });
    expect(await store.put({ key: 'a', value: '' })).toEqual({ revision: 2n });
  });

  it('a call takes effect when it is made, not when it is awaited', async () => {
    const { store } = setUp();
    const answers = [store.put({ key: 'a', value: '1' }), store.range({ key: 'a' }), store.delete({ key: 'a' })];
    const late = store.range({ key: 'a' });
    expect(await Promise.all(answers)).toMatchObject([{ revision: 2n }, { count: 1n }, { deleted: 1n }]);
    expect((await late).count).toBe(0n);
  });

  it('answers through promises alone: no timer exists where nothing waits for time', async () => {
    const { clock, store, follow } = setUp();
    await store.put({ key: 'a', value: '' });
    const watch = follow({ prefix: 'a' });
    await settle();
    expect(clock.pendingTimers).toBe(0);
    watch.stop();
    await watch.over;
    await store.put({ key: 'a', value: '' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('two runs of one script give the same answers', async () => {
    const run = async (): Promise<string> => {
      const { clock, store, follow } = setUp();
      const watch = follow({ prefix: 'k' });
      const log: unknown[] = [];
      for (let i = 0; i < 20; i++) {
        const { id } = await store.leaseGrant({ ttlSeconds: 2 + (i % 3) });
        log.push(id, await store.put({ key: `k${i % 4}`, value: `${i}`, lease: id }));
        await clock.advance(700);
      }
      await store.close();
      log.push(watch.batches, await watch.over);
      return JSON.stringify(log, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
    };
    expect(await run()).toBe(await run());
  });

  it('F-66: revisions stay exact past 2⁵³', async () => {
    const { store, follow } = setUp({ initialRevision: 2n ** 53n });
    const first = (await store.put({ key: 'a', value: '1' })).revision;
    expect(first).toBe(2n ** 53n + 1n);
    await store.put({ key: 'a', value: '2' });
    const watch = follow({ key: 'a', startRevision: first + 1n });
    await settle();
    expect(watch.batches.map((batch) => batch.revision)).toEqual([first + 1n]);
    expect((await store.range({ key: 'a', revision: first })).kvs[0]).toMatchObject({ version: 1n });
    await store.compact(first);
    expect((await store.range({ key: 'a', revision: first })).count).toBe(1n);
    watch.stop();
  });

  it('I-174: an idle watch is told how far the store has come, once for each second with news', async () => {
    const { clock, store, follow } = setUp();
    const watch = follow({ prefix: 'quiet/' });
    await store.put({ key: 'a', value: '' });
    await clock.advance(999);
    expect(watch.batches.map((batch) => batch.revision)).toEqual([1n]);
    await store.put({ key: 'b', value: '' });
    await clock.advance(1);
    expect(watch.batches.slice(1)).toEqual([{ revision: 3n, events: [] }]);
    await clock.advance(60_000);
    expect(watch.batches).toHaveLength(2);
    expect(clock.pendingTimers).toBe(0);
    watch.stop();
  });

  it('I-90: answers a request for progress at once, with nothing new by nothing, and never before an event', async () => {
    const { store } = setUp();
    const progress = progressRequests();
    const watch = store.watch({ prefix: 'a' }, { progress })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value } = (await watch.next()) as { value: WatchBatch };
      return [value.revision, value.events.length];
    };
    expect(await next()).toEqual([1n, 0]);
    progress.request();
    await store.put({ key: 'other', value: '' });
    progress.request();
    expect(await next()).toEqual([2n, 0]);
    await store.put({ key: 'other', value: '' });
    progress.request();
    await store.put({ key: 'a', value: '' });
    progress.request();
    expect(await next()).toEqual([3n, 0]);
    expect(await next()).toEqual([4n, 1]);
    await watch.return?.();
    progress.request();
  });

  it('I-174: a watch that has just caught up with nothing to see is told where it stands', async () => {
    const { clock, store, follow } = setUp();
    for (const key of ['a', 'b', 'c']) await store.put({ key, value: '' });
    const watch = follow({ prefix: 'quiet/', startRevision: 2n });
    const other = follow({ prefix: 'b', startRevision: 2n });
    await clock.advance(1000);
    expect(watch.batches).toEqual([{ revision: 4n, events: [] }]);
    expect(other.batches.map((batch) => [batch.revision, batch.events.length])).toEqual([
      [3n, 1],
      [4n, 0],
    ]);
    watch.stop();
    other.stop();
  });

  it('I-174: a progress mark never goes ahead of events that wait, nor of a start in the future', async () => {
    const { clock, store, follow } = setUp();
    const slow = store.watch({ prefix: 'a' })[Symbol.asyncIterator]();
    const future = follow({ prefix: 'quiet/', startRevision: 10n });
    await slow.next();
    await store.put({ key: 'a', value: '' });
    await store.put({ key: 'b', value: '' });
    await clock.advance(5000);
    expect(future.batches).toEqual([]);
    expect((await slow.next()).value).toMatchObject({ revision: 2n, events: [{}] });
    const mark = slow.next();
    await clock.advance(1000);
    expect((await mark).value).toEqual({ revision: 3n, events: [] });
    await slow.return?.();
    future.stop();
  });

  it('history comes in batches of whole revisions', async () => {
    const { store, follow } = setUp({ watchBatchRevisions: 3 });
    for (let i = 0; i < 8; i++) {
      await store.txn({ then: ['a', 'b'].map((name) => ({ put: { key: `${name}${i}`, value: '' } })) });
    }
    const watch = follow({ fromKey: 'a', startRevision: 1n });
    await settle();
    expect(watch.batches.map((batch) => [batch.revision, batch.events.length])).toEqual([
      [4n, 6],
      [7n, 6],
      [9n, 4],
    ]);
    watch.stop();
  });

  it('a slow consumer loses nothing and holds only what history holds', async () => {
    const { store } = setUp();
    const watch = store.watch({ prefix: 'a', startRevision: 2n })[Symbol.asyncIterator]();
    const first = watch.next();
    for (let i = 0; i < 2500; i++) await store.put({ key: `a${i}`, value: '' });
    const sizes = [(await first).value!.events.length];
    while (sizes.reduce((a, b) => a + b) < 2500) sizes.push(((await watch.next()).value as WatchBatch).events.length);
    expect(sizes).toEqual([1, 1000, 1000, 499]);
    await watch.return?.();
  });

  it('F-34: compaction ends a watch that fell too far behind, after what it still had in hand', async () => {
    const { store } = setUp();
    const watch = store.watch({ prefix: 'a', startRevision: 2n })[Symbol.asyncIterator]();
    const first = watch.next();
    for (let i = 0; i < 300; i++) await store.put({ key: 'a', value: `${i}` });
    await first;
    await store.compact(250n);
    const { value } = (await watch.next()) as { value: WatchBatch };
    expect(value.events).toHaveLength(128);
    const error = await watch.next().catch((thrown: unknown) => thrown);
    expect(isSetpointError(error, 'Compacted') && error.details.revision).toBe(250n);
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('compaction does not touch a watch that has little left to read', async () => {
    const { store } = setUp();
    const watch = store.watch({ prefix: 'a', startRevision: 2n })[Symbol.asyncIterator]();
    const first = watch.next();
    for (let i = 0; i < 50; i++) await store.put({ key: 'a', value: `${i}` });
    await store.compact(51n);
    await first;
    expect((await watch.next()).value).toMatchObject({ revision: 51n });
    const live = watch.next();
    await store.put({ key: 'a', value: 'live' });
    expect((await live).value).toMatchObject({ revision: 52n });
    await watch.return?.();
  });

  it('compaction ends a watch that is still reading history it removes', async () => {
    const { store } = setUp({ watchBatchRevisions: 10 });
    for (let i = 0; i < 100; i++) await store.put({ key: 'a', value: `${i}` });
    const watch = store.watch({ prefix: 'a', startRevision: 2n })[Symbol.asyncIterator]();
    await store.compact(90n);
    expect((await watch.next()).value).toMatchObject({ revision: 11n });
    await expect(watch.next()).rejects.toMatchObject({ code: 'Compacted', details: { revision: 90n } });
  });

  it('F-37: a delete at the compaction revision itself is still delivered', async () => {
    const { store, follow } = setUp();
    await store.put({ key: 'a', value: '' });
    await store.delete({ key: 'a' });
    await store.put({ key: 'b', value: '' });
    await store.compact(3n);
    const watch = follow({ fromKey: 'a', startRevision: 3n, prevKv: true });
    await settle();
    expect(watch.batches.flatMap((batch) => batch.events)).toMatchObject([{ type: 'delete' }, { type: 'put' }]);
    watch.stop();
  });

  it('compaction gives memory back', async () => {
    const { store } = setUp();
    for (let i = 0; i < 100; i++) await store.put({ key: 'a', value: 'x'.repeat(1000) });
    for (let i = 0; i < 100; i++) await store.put({ key: `gone${i}`, value: 'y' });
    const { revision } = await store.delete({ prefix: 'gone' });
    await store.compact(revision);
    const [status] = await store.status();
    expect(status!.dbSizeBytes).toBe(1001);
  });

  it('an iterable that nobody iterates is no watch, and each iteration is one of its own', async () => {
    const { store } = setUp();
    const iterable = store.watch({ prefix: 'a' });
    await store.put({ key: 'a', value: '' });
    const batches = [];
    for await (const batch of iterable) {
      batches.push(batch);
      break;
    }
    expect(batches).toEqual([{ revision: 2n, events: [] }]);
  });

  it('a watch that makes no sense is refused by the call itself', () => {
    const { store } = setUp();
    expect(() => store.watch({ prefix: '' })).toThrow('Invalid: selector.prefix');
  });

  it('a watch on a closed store fails at its first step, once', async () => {
    const { store } = setUp();
    await store.close();
    const watch = store.watch({ prefix: 'a' })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: 'Closed' });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it('I-180: closing leaves no timer and no listener', async () => {
    const { clock, store, follow } = setUp();
    const watch = follow({ prefix: 'a' });
    await store.leaseGrant({ ttlSeconds: 5 });
    await store.put({ key: 'b', value: '' });
    expect(clock.pendingTimers).toBe(2);
    await store.close();
    expect(clock.pendingTimers).toBe(0);
    expect(await watch.over).toBe('Closed');
  });

  it('options are checked once', () => {
    for (const options of [
      { watchBatchRevisions: 0 },
      { progressNotifyMs: Number.NaN },
      { minLeaseTtlSeconds: -1 },
      { initialRevision: 0n },
    ]) {
      expect(() => new MemoryStore(options)).toThrow('Invalid');
    }
  });
});
