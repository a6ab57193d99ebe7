import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Interposer, interposedStore } from '../../../../test/harness/interposed-store.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { createMetrics } from '../internal/metrics.ts';
import type { Logger } from '../internal/logger.ts';
import { seededRandom } from '../internal/random.ts';
import { jsonCodec, textCodec } from '../resource/index.ts';
import { memoryStore, type WatchBatch, type WatchEvent } from '../store/index.ts';
import type { EventHandler } from './event-handler.ts';
import { createInformer, type Informer } from './informer.ts';
import type { InformerOptions } from './informer-options.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A watch event as a store would deliver it. */
function event(name: string, value: string | undefined, modRevision: bigint, createRevision = modRevision): WatchEvent {
  const kv = { key: bytes(`/config/${name}`), modRevision, version: 1n, lease: 0n };
  return value === undefined
    ? { type: 'delete', kv: { ...kv, value: new Uint8Array(), createRevision: 0n, version: 0n } }
    : { type: 'put', kv: { ...kv, value: bytes(value), createRevision } };
}

/** A watch whose batches the test makes. */
function scripted() {
  const queue: WatchBatch[] = [];
  let wake = (): void => {};
  let failure: unknown;
  const feed = (revision: bigint, ...events: WatchEvent[]): Promise<void> => {
    queue.push({ revision, events });
    wake();
    return settle();
  };
  const fail = (error: unknown): Promise<void> => {
    failure = error;
    wake();
    return settle();
  };
  async function* watch(): AsyncGenerator<WatchBatch> {
    for (;;) {
      const batch = queue.shift();
      if (batch) yield batch;
      else if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return { feed, fail, watch };
}

function recorder(): { calls: string[]; handler: EventHandler<unknown> } {
  const calls: string[] = [];
  const handler: EventHandler<unknown> = {
    add: (object, { key, inInitialList }) =>
      calls.push(`add ${key}=${String(object)}${inInitialList ? ' initial' : ''}`),
    update: (old, object, { key }) => calls.push(`update ${key}=${String(old)}→${String(object)}`),
    delete: (object, { key }) => calls.push(`delete ${key}=${String(object)}`),
  };
  return { calls, handler };
}

function logged() {
  const lines: { fields: Record<string, unknown>; message: string }[] = [];
  const note = (fields: object, message: string): void => void lines.push({ fields: { ...fields }, message });
  const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note, child: () => logger };
  return { lines, logger };
}

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

/** A running informer over `/config`. */
async function following(
  options: Partial<InformerOptions<unknown>> & { by?: Interposer; before?: (informer: Informer<unknown>) => void } = {},
  seed: Readonly<Record<string, string>> = {},
) {
  const { by = {}, before, ...rest } = options;
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const put = async (name: string, value: string | Uint8Array): Promise<bigint> =>
    (await store.put({ key: `/config/${name}`, value })).revision;
  const remove = async (name: string): Promise<bigint> => (await store.delete({ key: `/config/${name}` })).revision;
  for (const [name, value] of Object.entries(seed)) await put(name, value);
  const stop = new AbortController();
  stops.push(stop);
  const informer = createInformer<unknown>({
    store: interposedStore(store, by),
    prefix: '/config',
    codec: textCodec,
    clock,
    random: seededRandom(1),
    ...rest,
  });
  before?.(informer);
  const running = informer.run(stop.signal);
  await settle();
  const view = (): Record<string, unknown> =>
    Object.fromEntries([...informer.lister.keys()].map((key) => [key, informer.lister.get(key)]));
  return { clock, store, put, remove, stop, informer, running, view };
}

describe('Informer', () => {
  it('I-95: the cache is ahead of the handlers: each finds its own event in it', async () => {
    const found: unknown[] = [];
    const { put, remove } = await following({
      before: (informer) =>
        informer.addEventHandler({
          add: (_object, { key }) => found.push(informer.lister.get(key)),
          update: (_old, _object, { key }) => found.push(informer.lister.get(key)),
          delete: (_object, { key }) => found.push(informer.lister.has(key)),
        }),
    });
    await put('a', '1');
    await put('a', '2');
    await settle();
    await remove('a');
    await settle();
    expect(found).toEqual(['1', '2', false]);
  });

  it('I-74, F-49: a transaction of 128 keys reaches the cache as one: nobody sees half of it', async () => {
    const sizes = new Set<number>();
    const { store, informer } = await following({
      indexes: { all: () => ['all'] },
      before: (each) => each.addEventHandler({ add: () => sizes.add(each.lister.byIndex('all', 'all').length) }),
    });
    const then = Array.from({ length: 128 }, (_, at) => ({ put: { key: `/config/${at}`, value: 'x' } }));
    await store.txn({ then });
    await settle();
    expect([...sizes]).toEqual([128]);
    expect(informer.lister.size).toBe(128);
  });

  it('I-72: the seam between list and watch loses and doubles nothing under concurrent writes', async () => {
    const { calls, handler } = recorder();
    let answer = (): void => {};
    const range: Interposer['range'] = async (request, ask) => {
      const answered = await ask(request);
      await new Promise<void>((resolve) => (answer = resolve));
      return answered;
    };
    const { informer, view, put } = await following(
      { by: { range }, before: (each) => each.addEventHandler(handler) },
      { a: '1' },
    );
    await put('a', '2');
    await put('b', '1');
    answer();
    await settle();
    expect(calls).toEqual(['add a=1 initial', 'update a=1→2', 'add b=1']);
    expect(view()).toEqual({ a: '2', b: '1' });
    expect(informer.revision).toBe(4n);
  });

  it('I-86, I-87: a relist swaps the cache, tells deletes first, each once, and nothing of what is unchanged', async () => {
    const { calls, handler } = recorder();
    const { fail, watch } = scripted();
    let watches = 0;
    const seen: number[] = [];
    const { put, remove, informer, view } = await following(
      {
        by: { watch: (request, open) => (watches++ === 0 ? watch() : open(request)) },
        before: (each) => {
          each.addEventHandler(handler);
          each.addEventHandler({ delete: () => seen.push(each.lister.size) });
        },
      },
      { gone: '1', same: '1', changed: '1', 'gone-too': '1' },
    );
    calls.length = 0;
    const relists: unknown[] = [];
    informer.on('relist', (summary) => relists.push(summary));
    await put('changed', '2');
    await put('new', '1');
    await remove('gone');
    await remove('gone-too');
    await fail(new SetpointError('Compacted', 'too old'));
    expect(calls).toEqual(['delete gone=1', 'delete gone-too=1', 'update changed=1→2', 'add new=1']);
    expect(seen).toEqual([3, 3]);
    expect(view()).toEqual({ same: '1', changed: '2', new: '1' });
    expect(relists).toEqual([{ reason: 'compacted', revision: 9n, added: 1, updated: 1, deleted: 2 }]);
  });

  it('I-86: a delete that was told before the relist is not told again', async () => {
    const { calls, handler } = recorder();
    const { feed, fail, watch } = scripted();
    let watches = 0;
    const { remove } = await following(
      {
        by: { watch: (request, open) => (watches++ === 0 ? watch() : open(request)) },
        before: (each) => each.addEventHandler(handler),
      },
      { a: '1' },
    );
    await remove('a');
    await feed(3n, event('a', undefined, 3n));
    await fail(new SetpointError('Compacted', 'too old'));
    expect(calls).toEqual(['add a=1 initial', 'delete a=1']);
  });

  it('I-88, F-51: delete and re-create during a gap is told as delete and add, not as an update', async () => {
    const { calls, handler } = recorder();
    const { fail, watch } = scripted();
    let watches = 0;
    const { put, remove } = await following(
      {
        by: { watch: (request, open) => (watches++ === 0 ? watch() : open(request)) },
        before: (each) => each.addEventHandler(handler),
      },
      { a: 'old', b: '1' },
    );
    calls.length = 0;
    await remove('a');
    await put('a', 'new');
    await remove('b');
    await fail(new SetpointError('Compacted', 'too old'));
    expect(calls).toEqual(['delete a=old', 'delete b=1', 'add a=new']);
  });

  it('I-88, F-50: a live batch that shows only the new incarnation is split too', async () => {
    const { calls, handler } = recorder();
    const { feed, watch } = scripted();
    await following({ by: { watch }, before: (each) => each.addEventHandler(handler) }, { a: 'old' });
    await feed(9n, event('a', 'new', 9n, 8n));
    await feed(12n, event('a', 'newer', 10n, 8n), event('a', undefined, 11n), event('a', 'newest', 12n));
    expect(calls).toEqual([
      'add a=old initial',
      'delete a=old',
      'add a=new',
      'update a=new→newer',
      'delete a=newer',
      'add a=newest',
    ]);
  });

  it('F-47, F-48, F-57: what was seen before is dropped and counted, and brings nothing back to life', async () => {
    const { calls, handler } = recorder();
    const { feed, watch } = scripted();
    const { informer, view } = await following({ by: { watch }, before: (each) => each.addEventHandler(handler) });
    await feed(3n, event('a', '1', 3n));
    await feed(4n, event('a', '1', 3n), event('a', '2', 4n, 3n), event('a', '2', 4n, 3n));
    await feed(6n, event('a', undefined, 5n), event('a', '2', 4n, 3n), event('b', '1', 6n));
    await feed(6n, event('a', '1', 3n));
    await feed(2n, event('b', 'old', 2n));
    expect(calls).toEqual(['add a=1', 'update a=1→2', 'delete a=2', 'add b=1']);
    expect(view()).toEqual({ b: '1' });
    expect(informer.counts.staleEvents).toBe(5);
    expect(informer.revision).toBe(6n);
  });

  it('F-54, I-113: keys outside the prefix are dropped and counted; `/config` is not about `/configs`', async () => {
    const { feed, watch } = scripted();
    const { informer, store } = await following({ by: { watch } });
    const foreign = event('x', '1', 3n);
    await feed(3n, { ...foreign, kv: { ...foreign.kv, key: bytes('/configs/x') } }, event('y', '1', 3n));
    expect([...informer.lister.keys()]).toEqual(['y']);
    expect(informer.counts.foreignKeys).toBe(1);
    await store.put({ key: '/configs/x', value: '1' });
    const other = await following();
    await other.store.put({ key: '/configs/x', value: '1' });
    await settle();
    expect(other.informer.prefix).toBe('/config/');
    expect(other.informer.lister.size).toBe(0);
  });

  it('I-83: a progress mark moves the revision and reaches no handler', async () => {
    const { calls, handler } = recorder();
    const { feed, watch } = scripted();
    const { informer } = await following({ by: { watch }, before: (each) => each.addEventHandler(handler) });
    await feed(40n);
    expect(informer.revision).toBe(40n);
    expect(calls).toEqual([]);
  });

  it('I-97, I-98: synced once the first list is in the cache, an empty one too; the handler when it has finished it', async () => {
    const empty = await following();
    expect(empty.informer.hasSynced).toBe(true);
    let open = (): void => {};
    const registrations: { hasSynced: boolean }[] = [];
    const { informer } = await following(
      {
        before: (each) => {
          registrations.push(each.addEventHandler({ add: () => new Promise<void>((resolve) => (open = resolve)) }));
          expect(each.hasSynced).toBe(false);
        },
      },
      { a: '1' },
    );
    expect(informer.hasSynced).toBe(true);
    expect(registrations[0]!.hasSynced).toBe(false);
    open();
    await settle();
    expect(registrations[0]!.hasSynced).toBe(true);
  });

  it('I-97: is not synced, and shows nothing, while the list is incomplete', async () => {
    const { informer, clock } = await following(
      {
        pageSize: 1,
        by: {
          range: (request, ask) =>
            request.revision === undefined
              ? ask(request)
              : Promise.reject(new SetpointError('Unavailable', 'no endpoint answered')),
        },
      },
      { a: '1', b: '1' },
    );
    await clock.advance(10_000);
    expect([informer.hasSynced, informer.lister.size, informer.revision]).toEqual([false, 0, 0n]);
    expect(informer.phase).toBe('backing-off');
    expect(informer.stalledSince).toBe(0);
  });

  it('I-99: a handler added late gets every object as an initial add, then what is new, without gap or repetition', async () => {
    const { informer, put, remove } = await following({}, { a: '1', b: '1' });
    const { calls, handler } = recorder();
    const registration = informer.addEventHandler(handler);
    expect(calls).toEqual([]);
    await put('a', '2');
    await remove('b');
    await put('c', '1');
    await registration.whenSynced();
    await settle();
    expect(calls.slice(0, 2)).toEqual(['add a=1 initial', 'add b=1 initial']);
    expect(calls.slice(2)).toEqual(['update a=1→2', 'delete b=1', 'add c=1']);
  });

  it('I-100: a handler that throws is counted, told as `error` and logged, and stops nobody', async () => {
    const { lines, logger } = logged();
    const { calls, handler } = recorder();
    const failures: unknown[] = [];
    const { informer, put } = await following({
      logger,
      before: (each) => {
        each.on('error', (failure) => failures.push(failure));
        const boom = (): never => {
          throw new Error('boom');
        };
        each.addEventHandler({ add: boom, update: boom }, { name: 'bad' });
        each.addEventHandler(handler);
      },
    });
    await put('a', 'secret');
    await put('a', 'secret2');
    await settle();
    expect(calls).toEqual(['add a=secret', 'update a=secret→secret2']);
    expect(informer.counts.handlerErrors).toBe(2);
    expect(failures).toMatchObject([
      { during: 'handler', handler: 'bad', key: 'a' },
      { during: 'handler', handler: 'bad', key: 'a' },
    ]);
    expect(lines[0]?.fields).toMatchObject({ informer: '/config/', handler: 'bad', key: 'a' });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('F-107: a handler that always fails can not flood the log', async () => {
    const { lines, logger } = logged();
    const { informer, put, clock } = await following({
      logger,
      before: (each) =>
        each.addEventHandler({
          add: (_object, { key }) => {
            throw new Error(`${key} ${'x'.repeat(100_000)}`);
          },
        }),
    });
    for (let at = 0; at < 1000; at++) await put(`k-${at}`, 'x');
    await settle();
    expect(informer.counts.handlerErrors).toBe(1000);
    expect(lines).toHaveLength(10);
    expect(JSON.stringify(lines[0]).length).toBeLessThan(20_000);
    await clock.advance(10_000);
    await put('last', 'x');
    await settle();
    expect(lines[10]?.fields).toMatchObject({ suppressed: 990 });
  });

  it('I-101, F-105: a handler may remove itself and add another one while it is called', async () => {
    const { calls, handler } = recorder();
    const first: string[] = [];
    const { informer, put } = await following();
    const registration = informer.addEventHandler({
      add: (_object, { key }) => {
        first.push(key);
        registration.remove();
        informer.addEventHandler(handler);
      },
    });
    await put('a', '1');
    await put('b', '1');
    await settle();
    expect(first).toEqual(['a']);
    expect(calls).toContain('add a=1 initial');
    expect(calls.filter((call) => call.startsWith('add b'))).toHaveLength(1);
  });

  it('I-102: a second run warns and is the first one; a stopped informer takes no handler and no run', async () => {
    const { lines, logger } = logged();
    const { informer, running, stop, store } = await following({ logger });
    const range = vi.spyOn(store, 'range');
    const again = informer.run(new AbortController().signal);
    expect(again).toBe(running);
    expect(lines).toHaveLength(1);
    expect(range).not.toHaveBeenCalled();
    stop.abort();
    await again;
    expect(() => informer.addEventHandler({})).toThrow(/Closed/);
    await expect(informer.run(new AbortController().signal)).rejects.toMatchObject({ code: 'Closed' });
    expect(informer.phase).toBe('stopped');
  });

  it('I-89: stops within one turn, calls no handler after it, leaves no timer and no listener', async () => {
    const { calls, handler } = recorder();
    const world = await following({ before: (each) => each.addEventHandler(handler) }, { a: '1' });
    let open = (): void => {};
    world.informer.addEventHandler({ add: () => new Promise<void>((resolve) => (open = resolve)) });
    const waiting = [world.informer.waitFor(100n), world.informer.waitFor(101n, { timeoutMs: Infinity })];
    const rejected = Promise.all(waiting.map((wait) => expect(wait).rejects.toMatchObject({ code: 'Closed' })));
    await settle();
    let ended = false;
    void world.running.then(() => (ended = true));
    await world.put('b', '1');
    world.stop.abort(new Error('enough'));
    await settle();
    expect(ended).toBe(true);
    await rejected;
    const count = calls.length;
    open();
    await world.put('c', '1');
    await settle();
    expect(calls).toHaveLength(count);
    await world.store.close();
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('I-89: an informer whose signal is aborted already stops without a request', async () => {
    const store = memoryStore();
    const range = vi.spyOn(store, 'range');
    const informer = createInformer({ store, prefix: '/config', codec: textCodec });
    await informer.run(AbortSignal.abort());
    expect(range).not.toHaveBeenCalled();
    await expect(informer.whenSynced()).rejects.toMatchObject({ code: 'Closed' });
  });

  it('I-93, F-40: after a history reset it says so, is not synced until everything is rebuilt, and trusts no old state', async () => {
    const { calls, handler } = recorder();
    const old = scripted();
    let watches = 0;
    let answer: ((value: undefined) => void) | undefined;
    const told: string[] = [];
    const { informer, view } = await following(
      {
        by: {
          watch: (request, open) => (watches++ === 0 ? old.watch() : open(request)),
          range: async (request, ask) => {
            if (watches > 0) await new Promise((resolve) => (answer = resolve));
            return ask(request);
          },
        },
        before: (each) => {
          each.addEventHandler(handler);
          for (const name of ['history-reset', 'synced'] as const) each.on(name, () => told.push(name));
        },
      },
      { same: '1', older: '1' },
    );
    await old.feed(60n, event('same', 'lost', 50n, 2n), event('only-before', '1', 51n));
    calls.length = 0;
    const waiting = expect(informer.waitFor(70n)).rejects.toMatchObject({ code: 'HistoryReset' });
    await old.fail(new SetpointError('HistoryReset', 'a backup was restored'));
    await waiting;
    expect([informer.hasSynced, informer.revision, told.at(-1)]).toEqual([false, 60n, 'history-reset']);
    expect(informer.historyResets).toBe(1);
    expect(informer.lister.get('same')).toBe('lost');
    answer?.(undefined);
    await settle();
    expect([informer.hasSynced, informer.revision, told.at(-1)]).toEqual([true, 3n, 'synced']);
    expect(view()).toEqual({ same: '1', older: '1' });
    // The state of `older` has equal revisions in both histories, which proves nothing.
    expect(calls).toEqual(['delete only-before=1', 'update older=1→1', 'update same=lost→1']);
  });

  describe('values that can not be read', () => {
    const garbage = Uint8Array.of(0xff, 0xfe);

    it('I-94, F-108: are isolated by key; the others go on; healed by the next good write', async () => {
      const { calls, handler } = recorder();
      const healed: unknown[] = [];
      const told: unknown[] = [];
      const { put, informer, view } = await following({
        before: (each) => {
          each.addEventHandler(handler);
          each.on('quarantine', ({ key }) => told.push(key));
          each.on('healed', (event) => healed.push(event));
        },
      });
      const bad = await put('bad', garbage);
      const fine = await put('fine', '1');
      await settle();
      expect(view()).toEqual({ fine: '1' });
      expect(informer.revision).toBe(fine);
      expect(informer.quarantined).toMatchObject([{ key: 'bad', modRevision: bad, error: { code: 'Invalid' } }]);
      expect(informer.quarantined[0]).not.toHaveProperty('servedRevision');
      const good = await put('bad', 'good');
      await settle();
      expect(informer.quarantined).toEqual([]);
      expect([told, healed]).toEqual([['bad'], [{ key: 'bad', revision: good }]]);
      expect(calls).toEqual(['add fine=1', 'add bad=good']);
    });

    it('I-94: keep their last good state in the cache; no delete is made up from garbage', async () => {
      const { calls, handler } = recorder();
      const { put, remove, informer, view } = await following(
        { before: (each) => each.addEventHandler(handler) },
        { a: '1' },
      );
      const good = informer.revision;
      await put('a', garbage);
      await settle();
      expect(view()).toEqual({ a: '1' });
      expect(informer.quarantined).toMatchObject([{ key: 'a', servedRevision: good }]);
      expect(calls).toEqual(['add a=1 initial']);
      await remove('a');
      await settle();
      expect(calls).toEqual(['add a=1 initial', 'delete a=1']);
      expect([informer.quarantined, view()]).toEqual([[], {}]);
    });

    it('I-94: a bad new incarnation proves that the old one was deleted', async () => {
      const { calls, handler } = recorder();
      const { feed, watch } = scripted();
      const { view } = await following({ by: { watch }, before: (each) => each.addEventHandler(handler) }, { a: '1' });
      const bad = event('a', 'x', 9n, 8n);
      await feed(9n, { ...bad, kv: { ...bad.kv, value: garbage } });
      expect(calls).toEqual(['add a=1 initial', 'delete a=1']);
      expect(view()).toEqual({});
    });

    it('I-94: are treated alike by a relist: served, deleted, healed and told as the store shows it', async () => {
      const { calls, handler } = recorder();
      const { fail, watch } = scripted();
      let watches = 0;
      const told: string[] = [];
      const { put, remove, informer, view } = await following(
        {
          by: { watch: (request, open) => (watches++ === 0 ? watch() : open(request)) },
          before: (each) => {
            each.addEventHandler(handler);
            each.on('quarantine', ({ key }) => told.push(`quarantine ${key}`));
            each.on('healed', ({ key }) => told.push(`healed ${key}`));
          },
        },
        { kept: '1', replaced: '1', heals: '1' },
      );
      calls.length = 0;
      await put('kept', garbage);
      await remove('replaced');
      await put('replaced', garbage);
      await fail(new SetpointError('Compacted', 'too old'));
      expect(view()).toEqual({ kept: '1', heals: '1' });
      expect(calls).toEqual(['delete replaced=1']);
      expect(told).toEqual(['quarantine kept', 'quarantine replaced']);
      expect(informer.quarantined).toHaveLength(2);
    });

    it('F-112: a key that is not UTF-8 has a name of its own and folds into no other', async () => {
      const { store, informer } = await following();
      for (const last of [0xfe, 0xff]) {
        await store.put({ key: Uint8Array.of(...bytes('/config/'), last), value: 'x' });
      }
      await settle();
      expect(informer.quarantined).toHaveLength(2);
      expect(informer.lister.size).toBe(0);
      await store.delete({ key: Uint8Array.of(...bytes('/config/'), 0xff) });
      await settle();
      expect(informer.quarantined).toHaveLength(1);
    });

    it('a codec that fails with any other error is treated the same', async () => {
      const codec = {
        decode: (): never => {
          throw new TypeError('a bug');
        },
      };
      const { informer } = await following({ codec }, { a: '1' });
      expect(informer.quarantined).toMatchObject([
        { key: 'a', error: { code: 'Invalid', cause: { message: 'a bug' } } },
      ]);
      expect(informer.hasSynced).toBe(true);
    });
  });

  it('I-107, I-108: indexes added before and after start; one that throws is counted and told with the key', async () => {
    const failures: unknown[] = [];
    const { informer, put } = await following(
      {
        indexes: { value: (object) => [String(object)] },
        before: (each) => each.on('error', (failure) => failures.push(failure)),
      },
      { a: 'x', b: 'x' },
    );
    expect(informer.lister.byIndex('value', 'x')).toHaveLength(2);
    informer.addIndex('first', (_object, key) => {
      if (key === 'b') throw new Error('no');
      return [key[0]!];
    });
    expect(informer.lister.byIndex('first', 'a')).toEqual(['x']);
    await put('c', 'y');
    await settle();
    expect(informer.lister.byIndex('first', 'c')).toEqual(['y']);
    expect(informer.counts.indexErrors).toBe(1);
    expect(failures).toMatchObject([{ during: 'index', key: 'b' }]);
  });

  it('I-109, F-102: objects are frozen at every depth, so that a handler can not change the cache', async () => {
    const errors: unknown[] = [];
    const { informer } = await following(
      {
        codec: jsonCodec,
        before: (each) => {
          each.on('error', ({ error }) => errors.push(error));
          each.addEventHandler({ add: (object) => void ((object as { spec: { x: number } }).spec.x = 2) });
        },
      },
      { a: '{"spec":{"x":1}}' },
    );
    expect(informer.lister.get('a')).toEqual({ spec: { x: 1 } });
    expect(errors[0]).toBeInstanceOf(TypeError);
    const loose = await following({ codec: jsonCodec, freeze: false }, { a: '{"spec":{"x":1}}' });
    expect(Object.isFrozen(loose.informer.lister.get('a'))).toBe(false);
  });

  it('I-112: waitFor resolves when the cache is there, never before, and else fails with Timeout', async () => {
    const { feed, watch } = scripted();
    const { informer, clock } = await following({ by: { watch }, audit: false });
    let reached = false;
    const waiting = informer.waitFor(5n).then(() => (reached = true));
    await feed(4n, event('a', '1', 4n));
    expect(reached).toBe(false);
    await feed(5n);
    await waiting;
    await informer.waitFor(3n);
    const late = expect(informer.waitFor(6n)).rejects.toMatchObject({ code: 'Timeout' });
    const unset = expect(informer.waitFor(6n, { timeoutMs: undefined })).rejects.toMatchObject({ code: 'Timeout' });
    await clock.advance(3000);
    await late;
    await unset;
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-90, I-112: waitFor asks the store how far it has come, for revisions that changed other keys', async () => {
    const { informer, store, clock } = await following();
    const { revision } = await store.put({ key: '/elsewhere/a', value: '1' });
    let reached = false;
    const waiting = informer.waitFor(revision).then(() => (reached = true));
    await clock.advance(9);
    expect(reached).toBe(false);
    await clock.advance(1);
    expect(reached).toBe(true);
    await waiting;
    expect(informer.revision).toBe(revision);
    const future = informer.waitFor(revision + 1n);
    await clock.advance(500);
    await store.put({ key: '/elsewhere/a', value: '2' });
    await clock.advance(100);
    await future;
  });

  it('I-112: waitFor before the first list waits for it', async () => {
    const store = memoryStore();
    const informer = createInformer({ store, prefix: '/config', codec: textCodec });
    const waiting = informer.waitFor(0n);
    let reached = false;
    void waiting.then(() => (reached = true));
    await settle();
    expect(reached).toBe(false);
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await waiting;
    expect(informer.hasSynced).toBe(true);
    stop.abort();
    await running;
  });

  it('F-55: says since when nothing proved that the cache is fresh', async () => {
    let connection: ((error?: unknown) => void) | undefined;
    const { feed, watch } = scripted();
    const { informer, clock } = await following({
      by: {
        watch: (_request, _open, options) => {
          connection = options.onConnection;
          return watch();
        },
      },
    });
    await clock.advance(5);
    expect(informer.stalledSince).toBeUndefined();
    connection?.(new SetpointError('Unavailable', 'no endpoint answered'));
    await clock.advance(5);
    connection?.(new SetpointError('Unavailable', 'still none'));
    expect(informer.stalledSince).toBe(5);
    connection?.();
    expect(informer.stalledSince).toBeUndefined();
    connection?.(new SetpointError('Unavailable', 'none again'));
    await feed(2n);
    expect(informer.stalledSince).toBeUndefined();
  });

  it('F-55: measures how far behind the cache may be, and shows it as metrics while it runs', async () => {
    const metrics = createMetrics();
    const { feed, watch } = scripted();
    const { informer, store, clock, stop, running } = await following({
      by: { watch },
      metrics,
      name: 'config',
      audit: { periodMs: 60_000 },
    });
    const shown = (name: string): string | undefined =>
      new RegExp(`^setpoint_informer_${name}\\{.*\\} (.*)$`, 'm').exec(metrics.render())?.[1];
    await clock.advance(4000);
    expect(informer.lag).toEqual({ revisions: 0n, ms: 4000 });
    expect([shown('lag_seconds'), shown('lag_revisions'), shown('synced')]).toEqual(['4', '0', '1']);
    await feed(2n, event('a', '1', 2n));
    expect([informer.lag.ms, shown('objects')]).toEqual([0, '1']);

    for (let at = 0; at < 5; at++) await store.put({ key: '/config/a', value: '1' });
    while (informer.lag.revisions === 0n && clock.now() < 200_000) await clock.advance(1000);
    expect([informer.lag.revisions, shown('lag_revisions')]).toEqual([4n, '4']);
    await clock.advance(30_000);
    expect([shown('audits_total'), shown('diverged_keys_total'), shown('lists_total')]).toEqual(['1', '1', '1']);
    expect([informer.lag.revisions, informer.lister.get('a')]).toEqual([0n, '1']);
    stop.abort();
    await running;
    expect([shown('objects'), shown('synced')]).toEqual(['0', '0']);
  });

  it('I-177, F-92: a listener that throws or rejects stops no other; an error without a listener is logged', async () => {
    const { lines, logger } = logged();
    const phases: string[] = [];
    const { informer } = await following({
      logger,
      by: { range: () => Promise.reject(new SetpointError('Unavailable', 'no endpoint answered')) },
      before: (each) => {
        each.on('phase', () => {
          throw new Error('listener');
        });
        each.on('phase', () => Promise.reject(new Error('late')));
        each.on('phase', ({ phase }) => phases.push(phase));
      },
    });
    expect(phases).toEqual(['listing', 'backing-off']);
    expect(informer.counts.listenerErrors).toBe(4);
    expect(lines.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining({ during: 'list', err: expect.objectContaining({ code: 'Unavailable' }) }),
    );
  });

  it.each([
    [{ prefix: '' }, /prefix.*not empty.*""/],
    [{ pageSize: 0 }, /pageSize.*at least 1.*0/],
    [{ codec: undefined }, /codec.*decode.*undefined/],
    [{ store: {} }, /store.*Store.*object/],
    [{ keyOnly: true }, /createInformer has no option 'keyOnly': did you mean 'keysOnly'/],
    [{ audit: { period: 60_000 } }, /audit has no option 'period': did you mean 'periodMs'/],
    [{ massDelete: { shares: 0.9 } }, /massDelete has no option 'shares': did you mean 'share'/],
  ])('refuses the options %j', (options, message) => {
    const make = (): unknown =>
      createInformer({ store: memoryStore(), prefix: '/x', codec: textCodec, ...options } as InformerOptions<string>);
    expect(make).toThrow(message);
  });

  it('I-181: reads a long list in slices, with other work in between, and swaps it in at once', async () => {
    const store = memoryStore();
    const clock = new FakeClock();
    let now = 0;
    let rests = 0;
    const sizes = new Set<number>();
    clock.now = () => now;
    clock.yield = () => settle().then(() => void (rests++, sizes.add(informer.lister.size)));
    for (let at = 0; at < 500; at++) await store.put({ key: `/config/${at}`, value: 'x' });
    const codec = { decode: () => void now++ };
    const informer = createInformer({ store, prefix: '/config', codec, clock });
    const stop = new AbortController();
    void informer.run(stop.signal);
    await informer.whenSynced();
    stop.abort();
    expect(rests).toBeGreaterThanOrEqual(50);
    expect([...sizes]).toEqual([0]);
  });
});
