import { expect, expectTypeOf, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { texts } from '../../../../test/harness/text-informer.ts';
import { deferred } from '../internal/deferred.ts';
import { settle } from '../internal/fake-clock.ts';
import { type Random, seededRandom } from '../internal/random.ts';
import { textCodec } from '../resource/index.ts';
import { keyText, type Store, type WatchBatch } from '../store/index.ts';
import { createInformer } from './informer.ts';
import { takeSnapshot } from './snapshot.ts';

it('I-112: caches that are at different revisions are shown at one, and stay so while they go on', async () => {
  const { clock, store, put, follow, stop } = texts();
  const gate = deferred();
  const slow = interposedStore(store, {
    async *watch(request, open): AsyncGenerator<WatchBatch> {
      for await (const batch of open(request)) {
        await gate.promise;
        yield batch;
      }
    },
  });
  await store.put({ key: '/pods/p', value: '1' });
  await put('a', '1');
  const configs = await follow();
  const pods = createInformer<string>({ store: slow, prefix: '/pods', codec: textCodec, clock });
  const life = new AbortController();
  void pods.run(life.signal);
  await settle();
  await store.txn({
    then: [{ put: { key: '/config/a', value: '2' } }, { put: { key: '/pods/p', value: '2' } }],
  });
  await settle();
  expect([configs.lister.get('a'), pods.lister.get('p')]).toEqual(['2', '1']);
  const taking = takeSnapshot([configs, pods]);
  await put('a', '3');
  await put('b', '3');
  await settle();
  gate.resolve();
  const { views, revision, close } = await taking;
  const [configView, podView] = views;
  expectTypeOf(configView.get('a')).toEqualTypeOf<string | undefined>();
  expect([configView.get('a'), podView.get('p')]).toEqual(['2', '2']);
  expect([configView.size, configView.keys(), configView.has('b')]).toEqual([1, ['a'], false]);
  expect(configs.lister.get('a')).toBe('3');
  await store.delete({ prefix: '/config/' });
  await settle();
  expect([configView.list(), configs.lister.size]).toEqual([['2'], 0]);
  expect(configView.entry('a')?.modRevision).toBe(revision);
  close();
  expect(() => configView.get('a')).toThrow(expect.objectContaining({ code: 'Closed' }) as Error);
  life.abort();
  stop();
});

it('I-112, I-110: a snapshot is asked by index as of its revision, whatever has moved since', async () => {
  const { put, remove, follow, stop } = texts();
  for (const name of ['a', 'b', 'c']) await put(name, 'red');
  const informer = await follow({ indexes: { colour: (text) => [text] } });
  const { views, close } = await takeSnapshot([informer]);
  const [view] = views;
  await put('a', 'blue');
  await remove('b');
  await put('d', 'red');
  await settle();
  expect([informer.lister.byIndex('colour', 'red').length, informer.lister.byIndex('colour', 'blue')]).toEqual([
    2,
    ['blue'],
  ]);
  expect(view.byIndex('colour', 'red')).toEqual(['red', 'red', 'red']);
  expect(view.byIndex('colour', 'blue')).toEqual([]);
  expect(() => view.byIndex('size', '1')).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error);
  close();
  stop();
});

it('I-112: a cache that does not come to the revision ends it with Timeout; a new history with HistoryReset', async () => {
  const { clock, store, put, follow, stop } = texts();
  const deaf = interposedStore(store, {
    watch: async function* (): AsyncGenerator<WatchBatch> {
      await new Promise(() => {});
      yield { revision: 0n, events: [] };
    },
  });
  const behind = createInformer<string>({ store: deaf, prefix: '/pods', codec: textCodec, clock, audit: false });
  const life = new AbortController();
  void behind.run(life.signal);
  const configs = await follow();
  await put('a');
  await settle();
  const late = takeSnapshot([configs, behind]).catch((error: unknown) => error);
  await clock.advance(3000);
  expect(await late).toMatchObject({ code: 'Timeout' });
  life.abort();
  stop();
});

/** Random transactions over two kinds, snapshots at random moments: each is what the store held at its revision. */
async function run(seed: number): Promise<void> {
  const { clock, store, follow, stop } = texts();
  const random = seededRandom(seed);
  const informers = [
    await follow({ store: sluggish(store, random, clock.setTimer.bind(clock)), prefix: '/x', audit: false }),
    await follow({ store: sluggish(store, random, clock.setTimer.bind(clock)), prefix: '/y', audit: false }),
  ] as const;
  await clock.advance(1000);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  for (let step = 0; step < 60; step++) {
    const key = (): string => `/${below(2) === 0 ? 'x' : 'y'}/${below(4)}`;
    const [one, other] = [key(), key()];
    const then = [...new Set([one, other])].map((each) =>
      below(3) === 0 ? { delete: { key: each } } : { put: { key: each, value: `${seed}/${step}` } },
    );
    await store.txn({ then });
    if (below(3) === 0) await clock.advance(below(400));
    if (below(6) > 0) continue;
    const taking = takeSnapshot(informers, { timeoutMs: 60_000 });
    await clock.advance(10_000);
    const { revision, views, close } = await taking;
    await store.put({ key: `/x/${below(4)}`, value: 'later' });
    await clock.advance(below(300));
    for (const [at, prefix] of ['/x/', '/y/'].entries()) {
      const { kvs } = await store.range({ prefix, revision });
      const held = kvs.map((kv) => `${keyText(kv.key).slice(3)}=${keyText(kv.value)}`);
      const view = views[at as 0 | 1];
      expect(
        view
          .keys()
          .map((each) => `${each}=${view.get(each)}`)
          .sort(),
      ).toEqual(held.sort());
      expect(view.size).toBe(held.length);
    }
    close();
  }
  stop();
}

/** Delivers late, each batch after a time of its own. */
function sluggish(store: Store, random: Random, later: (run: () => void, ms: number) => unknown) {
  return interposedStore(store, {
    async *watch(request, open): AsyncGenerator<WatchBatch> {
      for await (const batch of open(request)) {
        await new Promise<void>((resolve) => later(resolve, random.next() * 200));
        yield batch;
      }
    },
  });
}

it('I-112: whatever is written meanwhile, a snapshot is what the store held at its revision', async () => {
  for (let seed = 1; seed <= 10; seed++) await run(seed);
});
