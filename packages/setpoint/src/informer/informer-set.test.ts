import { describe, expect, it } from 'vitest';
import { calls, texts } from '../../../../test/harness/text-informer.ts';
import { heapUsed } from '../../../../test/harness/heap-used.ts';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { settle } from '../internal/fake-clock.ts';
import { jsonCodec, textCodec } from '../resource/index.ts';
import { createInformerSet } from './informer-set.ts';

function set() {
  const all = texts();
  const lists: string[] = [];
  const store = interposedStore(all.store, {
    range: (request, ask) => (lists.push(JSON.stringify(Object.keys(request))), ask(request)),
  });
  return { ...all, lists, informers: createInformerSet({ store, clock: all.clock }) };
}

describe('InformerSet', () => {
  it('starts an informer with its first share and stops it with the last, also while it runs', async () => {
    const { informers, clock, put, lists } = set();
    await put('a', '1');
    const first = informers.acquire({ prefix: '/config', codec: textCodec });
    const second = informers.acquire({ prefix: '/config/', codec: textCodec });
    expect(second.informer).toBe(first.informer);
    await first.informer.whenSynced();
    const told: string[] = [];
    first.addEventHandler(calls(told));
    await settle();
    await first.release();
    await first.release();
    expect(informers.size).toBe(1);
    await put('a', '2');
    await settle();
    expect(told).toEqual(['add a=1 initial']);
    expect(second.informer.lister.get('a')).toBe('2');
    expect(() => first.addEventHandler({})).toThrow(expect.objectContaining({ code: 'Closed' }) as Error);
    await second.release();
    expect([informers.size, second.informer.phase, lists.length]).toEqual([0, 'stopped', 1]);
    const again = informers.acquire({ prefix: '/config', codec: textCodec });
    await again.informer.whenSynced();
    expect([again.informer.lister.get('a'), lists.length]).toEqual(['2', 2]);
    await informers.close();
    expect(clock.pendingTimers).toBe(0);
    expect(() => informers.acquire({ prefix: '/x', codec: textCodec })).toThrow(/was closed/);
  });

  it('shares indexes by name, and refuses another function or codec for what is shared', async () => {
    const { informers, put } = set();
    await put('a', '1');
    const value = (object: string): string[] => [object];
    const share = informers.acquire({ prefix: '/config', codec: textCodec });
    await share.informer.whenSynced();
    informers.acquire({ prefix: '/config', codec: textCodec, indexes: { value } });
    informers.acquire({ prefix: '/config', codec: textCodec, indexes: { value } });
    expect(share.informer.lister.byIndex('value', '1')).toEqual(['1']);
    const other = { prefix: '/config', codec: textCodec, indexes: { value: () => [] } };
    expect(() => informers.acquire(other)).toThrow(expect.objectContaining({ code: 'AlreadyExists' }) as Error);
    expect(() => informers.acquire({ prefix: '/config', codec: jsonCodec })).toThrow(/another/);
    await informers.close();
  });

  it('runs as a runnable: ends when told to, and with the error of an informer that breaks', async () => {
    const { informers, store } = set();
    const life = new AbortController();
    const running = informers.run(life.signal);
    const { informer } = informers.acquire({ prefix: '/config', codec: textCodec });
    await informer.whenSynced();
    life.abort();
    await running;
    expect(informer.phase).toBe('stopped');
    const other = createInformerSet({ store });
    const broken = other.run(new AbortController().signal).catch((error: unknown) => error);
    const share = other.acquire({ prefix: '/config', codec: textCodec });
    await share.informer.whenSynced();
    await store.close();
    expect(await broken).toMatchObject({ code: 'Closed' });
    expect(other.size).toBe(0);
  });

  it('I-180: a handler that was removed is let go of, however long its share lasts', async () => {
    const { informers } = set();
    const share = informers.acquire({ prefix: '/config', codec: textCodec });
    await share.informer.whenSynced();
    const removed = (): WeakRef<object> => {
      const handler = {};
      const registration = share.addEventHandler(handler, { name: 'short' });
      expect(registration).toMatchObject({ name: 'short', hasSynced: true, pending: 0 });
      registration.remove();
      registration.remove();
      return new WeakRef(handler);
    };
    const handler = removed();
    await settle();
    heapUsed();
    expect(handler.deref()).toBeUndefined();
    await informers.close();
  });

  it('I-180: a thousand starts and stops leave no timer, no listener and no informer behind', async () => {
    const { informers, clock, lists } = set();
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', onWarning);
    for (let life = 0; life < 1000; life++) {
      const share = informers.acquire({ prefix: `/config/${life % 7}`, codec: textCodec });
      share.addEventHandler({});
      if (life % 10 === 0) await share.informer.whenSynced();
      await share.release();
    }
    await settle();
    process.off('warning', onWarning);
    expect([informers.size, clock.pendingTimers, warnings]).toEqual([0, 0, []]);
    expect(lists.length).toBeGreaterThanOrEqual(100);
  }, 60_000);
});
