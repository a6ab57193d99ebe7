import { firstValueFrom, map, take, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { texts } from '../../../../test/harness/text-informer.ts';
import { createInformer } from '../informer/index.ts';
import { settle } from '../internal/fake-clock.ts';
import { textCodec } from '../resource/index.ts';
import type { Store, WatchOptions } from '../store/index.ts';
import { informerStreams } from './informer-streams.ts';

it('I-178: a subscriber that fails, or leaves while it is told, disturbs no other; all end with the informer', async () => {
  const { put, follow, stop } = texts();
  await put('a', '1');
  const { changes$ } = informerStreams(await follow());
  const [seen, failed]: [string[], unknown[]] = [[], []];
  let ended = false;
  const leaving = changes$.subscribe(() => leaving.unsubscribe());
  changes$
    .pipe(
      map((change) => {
        if (change.type === 'update') throw new Error('pipeline');
        return change;
      }),
    )
    .subscribe({ error: (error) => failed.push(error) });
  const two = firstValueFrom(changes$.pipe(take(2), toArray()));
  changes$.subscribe({
    next: ({ type, key }) => void seen.push(`${type} ${key}`),
    complete: () => (ended = true),
  });
  await put('a', '2');
  await put('b', '1');
  await settle();
  expect(seen).toEqual(['add a', 'update a', 'add b']);
  expect(await two).toHaveLength(2);
  expect([failed.length, leaving.closed, ended]).toEqual([1, true, false]);
  stop();
  await settle();
  expect(ended).toBe(true);
  expect(await firstValueFrom(changes$, { defaultValue: 'over' })).toBe('over');
});

it('snapshot$ shows the cache once it is whole, and once for what changed together', async () => {
  const { store, put, follow, stop } = texts();
  await put('a', '1');
  const informer = await follow();
  const shown: string[] = [];
  const { snapshot$ } = informerStreams(informer);
  const subscription = snapshot$.subscribe(({ objects, revision }) => {
    expect(revision).toBe(informer.revision);
    shown.push([...objects].map(([key, object]) => `${key}${object}`).join());
  });
  await settle();
  await store.txn({ then: ['b', 'c'].map((name) => ({ put: { key: `/config/${name}`, value: '2' } })) });
  await settle();
  expect(shown.at(0)).toBe('a1');
  expect(shown.at(-1)).toBe('a1,b2,c2');
  expect(shown.length).toBeLessThanOrEqual(3);
  subscription.unsubscribe();
  await put('d');
  await settle();
  expect(shown.at(-1)).toBe('a1,b2,c2');
  stop();
});

it('status$ shows the present and what differs from it, and ends with the informer', async () => {
  const { clock, store, stop } = texts();
  const informer = createInformer({ store, prefix: '/config', codec: textCodec, clock });
  const shown: string[] = [];
  informerStreams(informer).status$.subscribe({
    next: ({ phase, synced }) => void shown.push(`${phase}${synced ? ' synced' : ''}`),
    complete: () => void shown.push('over'),
  });
  const life = new AbortController();
  void informer.run(life.signal);
  await settle();
  life.abort();
  await settle();
  expect(shown).toEqual(['idle', 'listing', 'listing synced', 'watching synced', 'stopped synced', 'over']);
  stop();
});

it('status$ shows that the connection broke and stands again, and that held handlers are let go', async () => {
  const { store, follow, stop } = texts();
  const names = Array.from({ length: 100 }, (_, at) => `/config/${at}`);
  await store.txn({ then: names.map((key) => ({ put: { key, value: '' } })) });
  let onConnection: WatchOptions['onConnection'];
  const watch: Store['watch'] = (request, options) => {
    onConnection = options?.onConnection;
    return store.watch(request, options);
  };
  const informer = await follow({ store: { range: store.range.bind(store), watch } });
  const shown: string[] = [];
  informerStreams(informer).status$.subscribe(({ stalled, held }) => void shown.push(`${stalled} ${held}`));
  onConnection!(new Error('cut'));
  onConnection!(new Error('still cut'));
  onConnection!();
  await store.delete({ prefix: '/config/' });
  await settle();
  informer.release();
  informer.release();
  expect(shown).toEqual(['false false', 'true false', 'false false', 'false true', 'false false']);
  stop();
});
