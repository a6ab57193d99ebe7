import { expect, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { calls, texts } from '../../../../test/harness/text-informer.ts';
import { SetpointError } from '../errors/index.ts';
import { deferred } from '../internal/deferred.ts';
import { settle } from '../internal/fake-clock.ts';
import { createInformer } from './informer.ts';
import { type MassDelete, massDeleteLimits } from './mass-delete.ts';
import { textCodec } from '../resource/index.ts';
import type { WatchBatch, WatchRequest } from '../store/index.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`);

async function filled(count: number, options: object = {}) {
  const all = texts();
  await all.store.txn({ then: names(count).map((name) => ({ put: { key: `/config/${name}`, value: name } })) });
  const informer = await all.follow(options);
  const told: string[] = [];
  informer.addEventHandler(calls(told));
  await settle();
  told.splice(0);
  const found: MassDelete[] = [];
  informer.on('mass-delete', (each) => void found.push(each));
  return { ...all, informer, told, found };
}

it('F-44: when most of the cache goes at one revision handlers are held until somebody releases them', async () => {
  const { store, put, informer, told, found, stop } = await filled(120);
  const { revision } = await store.delete({ prefix: '/config/' });
  await settle();
  expect(found).toEqual([{ revision, deleted: 120, of: 120 }]);
  expect([informer.held, informer.lister.size, told]).toEqual([true, 0, []]);
  await put('k1', 'again');
  await settle();
  expect(informer.lister.get('k1')).toBe('again');
  expect(told).toEqual([]);
  informer.release();
  await settle();
  expect(informer.held).toBe(false);
  expect(told).toHaveLength(121);
  expect(told.slice(1, 3)).toEqual(['delete k1=k1', 'add k1=again']);
  expect(informer.counts.massDeletes).toBe(1);
  await put('k2');
  await settle();
  expect(told.at(-1)).toBe('add k2=k2');
  stop();
});

it('F-44: objects that go one by one, that come back, or that are few, hold nothing', async () => {
  const { store, informer, told, found, remove, stop } = await filled(120);
  for (const name of names(20)) await remove(name);
  await store.txn({
    then: names(120)
      .slice(20, 69)
      .map((name) => ({ delete: { key: `/config/${name}` } })),
  });
  await settle();
  expect([found, informer.held, told.length]).toEqual([[], false, 69]);
  stop();
  const few = await filled(99);
  await few.store.delete({ prefix: '/config/' });
  await settle();
  expect([few.found, few.told.length]).toEqual([[], 99]);
  few.stop();
});

it('F-44: objects that a list finds gone hold everything, those that it finds created again at once hold nothing', async () => {
  for (const [again, held] of [
    [120, false],
    [10, true],
  ] as const) {
    const { store, put, follow, stop } = texts();
    for (const name of names(120)) await put(name);
    const cut = deferred<never>();
    let cuts = 0;
    const watch = async function* (request: WatchRequest, open: (request: WatchRequest) => AsyncIterable<WatchBatch>) {
      if (++cuts === 1) await cut.promise;
      yield* open(request);
    };
    const informer = await follow({ store: interposedStore(store, { watch }) });
    const told: string[] = [];
    informer.addEventHandler(calls(told));
    await settle();
    told.splice(0);
    await store.delete({ prefix: '/config/' });
    await store.txn({ then: names(again).map((name) => ({ put: { key: `/config/${name}`, value: name } })) });
    cut.reject(new SetpointError('Compacted', 'too old'));
    await settle();
    expect([informer.lister.size, informer.held, told.length]).toEqual([again, held, held ? 0 : 240]);
    stop();
  }
});

it('F-44: unless told otherwise it takes more than half of the cache, and a hundred objects', () => {
  expect(massDeleteLimits()).toEqual({ share: 0.5, least: 100 });
});

it('F-44: the guard can be set or left out, and is checked', async () => {
  const off = await filled(120, { massDelete: false });
  await off.store.delete({ prefix: '/config/' });
  await settle();
  expect([off.found, off.told.length]).toEqual([[], 120]);
  off.stop();
  const { store } = texts();
  const informer = (massDelete: object) => createInformer({ store, prefix: '/c', codec: textCodec, massDelete });
  expect(() => informer({ share: 1 })).toThrow(/massDelete.share: expected a number above 0 and below 1, received 1/);
  expect(() => informer({ least: 0 })).toThrow(/massDelete.least/);
});
