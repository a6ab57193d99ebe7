import { expect, it } from 'vitest';
import { deferred } from '../internal/deferred.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { textCodec } from '../resource/index.ts';
import { memoryStore } from '../store/index.ts';
import { createInformer } from './informer.ts';

it('I-103: a resync waits while handlers are being told: none hears of an update before its add', async () => {
  const rested = deferred();
  /** Whoever lets other work run is away until `rested`; and time passes in handlers. */
  class SlowClock extends FakeClock {
    spentMs = 0;
    override now(): number {
      return super.now() + this.spentMs;
    }
    override yield(): Promise<void> {
      return rested.promise;
    }
  }
  const clock = new SlowClock();
  const store = memoryStore({ clock: new FakeClock() });
  const informer = createInformer<string>({ store, prefix: '/r', codec: textCodec, clock, audit: false });
  const told: string[] = [];
  const add = (_object: string, { key }: { readonly key: string }): void => {
    told.push(`add ${key}`);
    clock.spentMs += 20;
  };
  informer.addEventHandler({ add, update: (_old, _now, { key }) => told.push(`update ${key}`) }, { resyncMs: 1000 });
  const stop = new AbortController();
  const run = informer.run(stop.signal);
  await informer.whenSynced();
  await store.txn({ then: ['a', 'b'].map((key) => ({ put: { key: `/r/${key}`, value: 'x' } })) });
  await clock.advance(1200);
  expect(told).toEqual(['add a']);
  rested.resolve();
  await clock.advance(1);
  expect(told).toEqual(['add a', 'add b', 'update a', 'update b']);
  stop.abort();
  await run;
});
