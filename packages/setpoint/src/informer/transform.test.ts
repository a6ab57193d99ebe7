import { expect, expectTypeOf, it } from 'vitest';
import { calls, texts } from '../../../../test/harness/text-informer.ts';
import { settle } from '../internal/fake-clock.ts';
import { jsonCodec } from '../resource/index.ts';
import type { RangeRequest } from '../store/index.ts';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { createInformerSet } from './informer-set.ts';
import { createInformer } from './informer.ts';

it('I-106: a transform runs once for each state before it is cached, not for deletes and not at a resync', async () => {
  const { clock, store, put, remove, stop } = texts();
  await put('a', '{"spec":{"node":"n1"},"large":"x"}');
  const seen: string[] = [];
  const informer = createInformer({
    store,
    prefix: '/config',
    codec: jsonCodec,
    clock,
    transform(object, key) {
      seen.push(key);
      return { node: (object as { spec: { node: string } }).spec.node };
    },
    indexes: { node: ({ node }) => [node] },
  });
  expectTypeOf(informer.lister.get('a')).toEqualTypeOf<{ readonly node: string } | undefined>();
  const told: string[] = [];
  informer.addEventHandler({ update: (old, now) => void told.push(`${old.node}→${now.node}`) }, { resyncMs: 60_000 });
  const life = new AbortController();
  void informer.run(life.signal);
  await settle();
  expect(informer.lister.byIndex('node', 'n1')).toEqual([{ node: 'n1' }]);
  expect(Object.isFrozen(informer.lister.get('a'))).toBe(true);
  await put('a', '{"spec":{"node":"n2"}}');
  await clock.advance(70_000);
  expect(told).toEqual(['n1→n2', 'n2→n2']);
  await remove('a');
  await settle();
  expect(seen).toEqual(['a', 'a']);
  life.abort();
  stop();
});

it('I-106: a transform that throws isolates that key, is counted and told with the key, and is healed', async () => {
  const { clock, store, put } = texts();
  await put('good', '1');
  await put('bad', '2');
  const informer = createInformer({
    store,
    prefix: '/config',
    codec: jsonCodec,
    clock,
    transform: (object) => {
      if (object === 2) throw new TypeError('no twos');
      return { value: object };
    },
  });
  const failures: unknown[] = [];
  informer.on('error', ({ during, key, error }) => void failures.push([during, key, (error as Error).message]));
  const life = new AbortController();
  void informer.run(life.signal);
  await settle();
  expect(informer.hasSynced).toBe(true);
  expect([...informer.lister.keys()]).toEqual(['good']);
  expect(failures).toEqual([['transform', 'bad', 'no twos']]);
  expect(informer.counts.transformErrors).toBe(1);
  expect(informer.quarantined).toMatchObject([{ key: 'bad', error: { code: 'Invalid' } }]);
  await put('bad', '3');
  await settle();
  expect(informer.lister.get('bad')).toEqual({ value: 3 });
  expect(informer.quarantined).toEqual([]);
  life.abort();
});

it('a keys-only cache lists without values, knows revisions, and says so in its type', async () => {
  const { clock, store, put, remove } = texts();
  await put('a', 'not JSON at all');
  const ranges: RangeRequest[] = [];
  const watched = interposedStore(store, { range: (request, ask) => (ranges.push(request), ask(request)) });
  const informer = createInformer({ store: watched, prefix: '/config', keysOnly: true, clock });
  expectTypeOf(informer.lister.get('a')).toEqualTypeOf<null | undefined>();
  const told: string[] = [];
  informer.addEventHandler(calls(told));
  const life = new AbortController();
  void informer.run(life.signal);
  await settle();
  const revision = await put('b');
  await settle();
  expect(ranges.every(({ keysOnly }) => keysOnly === true)).toBe(true);
  expect(informer.lister.get('b')).toBe(null);
  expect(informer.lister.get('c')).toBe(undefined);
  expect(informer.lister.entry('b')?.modRevision).toBe(revision);
  await remove('a');
  await settle();
  expect(told).toEqual(['add a=null initial', 'add b=null', 'delete a=null']);
  life.abort();
});

it('I-109: what a cache hands out is read-only at every depth, also in type', () => {
  const { store } = texts();
  interface Config {
    names: string[];
    inner: { size: number };
  }
  interface Fixed {
    readonly names: readonly string[];
    readonly inner: { readonly size: number };
  }
  const codec = { decode: (): Config => never() };
  const bySize = (object: Fixed): readonly string[] => [`${object.inner.size}`];
  const informer = createInformer({
    store,
    prefix: '/config',
    codec,
    indexes: {
      bySize,
      byName: (object) => {
        expectTypeOf(object).toEqualTypeOf<Fixed>();
        return object.names;
      },
    },
  });
  const acquire = () => createInformerSet({ store }).acquire({ prefix: '/config', codec, indexes: { bySize } });
  expectTypeOf<ReturnType<typeof acquire>['informer']>().toEqualTypeOf<typeof informer>();
  expectTypeOf(informer.lister.get('a')).toEqualTypeOf<Fixed | undefined>();
  expectTypeOf(informer.lister.list()).toEqualTypeOf<readonly Fixed[]>();
  expectTypeOf(informer.lister.byIndex).returns.toEqualTypeOf<readonly Fixed[]>();
  expectTypeOf<NonNullable<ReturnType<typeof informer.lister.entry>>['object']>().toEqualTypeOf<Fixed>();
  informer.addEventHandler({ update: (old, now) => expectTypeOf([old, now]).toEqualTypeOf<Fixed[]>() });
});

function never(): never {
  throw new Error('nothing is stored');
}
