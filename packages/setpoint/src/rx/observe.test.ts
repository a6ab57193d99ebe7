import { map, toArray, take, firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { Controller, type ReconcileReport } from '../controller/index.ts';
import { createInformer } from '../informer/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { textCodec } from '../resource/index.ts';
import { enqueueObject, informerSource } from '../source/index.ts';
import { memoryStore } from '../store/index.ts';
import { changes, reconciles } from './observe.ts';

it('each subscriber sees what is there and then what changes; one that leaves or throws disturbs no other', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  await store.put({ key: '/config/a', value: '1' });
  const informer = createInformer({ store, prefix: '/config', codec: textCodec, clock });
  const abort = new AbortController();
  const run = informer.run(abort.signal);
  await clock.advance(0);

  const seen: string[] = [];
  const changes$ = changes(informer);
  const brief = firstValueFrom(changes$);
  const subscription = changes$.pipe(map(({ type, key, object }) => `${type} ${key} ${object}`)).subscribe((line) => {
    seen.push(line);
  });
  const failed: unknown[] = [];
  changes$
    .pipe(
      map((change) => {
        if (change.type === 'delete') throw new Error('pipeline');
        return change;
      }),
    )
    .subscribe({ error: (error) => failed.push(error) });

  await store.put({ key: '/config/a', value: '2' });
  await clock.advance(0);
  await store.delete({ key: '/config/a' });
  await clock.advance(0);
  expect(await brief).toMatchObject({ type: 'add', key: 'a', inInitialList: true });
  expect(seen).toEqual(['add a 1', 'update a 2', 'delete a 2']);
  expect(failed).toHaveLength(1);
  subscription.unsubscribe();
  await store.put({ key: '/config/b', value: '1' });
  await clock.advance(0);
  expect(seen).toHaveLength(3);
  abort.abort();
  await run;
});

it('the attempts of a controller can be observed', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const informer = createInformer({ store, prefix: '/config', codec: textCodec, clock });
  const controller = new Controller({
    name: 'config',
    sources: [informerSource(informer, enqueueObject)],
    reconcile: ({ key }) => (key === 'b' ? { requeue: true } : undefined),
    clock,
  });
  const abort = new AbortController();
  const runs = [informer.run(abort.signal), controller.run(abort.signal)];
  const reports = firstValueFrom(reconciles(controller).pipe(take(2), toArray()));
  await clock.advance(0);
  await store.put({ key: '/config/a', value: '' });
  await store.put({ key: '/config/b', value: '' });
  await clock.advance(0);
  const ended = (await reports).map(({ key, outcome }: ReconcileReport) => `${key}: ${outcome.type}`);
  expect(ended).toEqual(['a: success', 'b: requeue']);
  abort.abort();
  await Promise.all(runs);
});
