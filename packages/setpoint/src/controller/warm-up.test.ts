import { describe, expect, it } from 'vitest';
import { manualSource } from '../../../../test/harness/started-controller.ts';
import { deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import type { Source } from '../source/index.ts';
import { Controller } from './controller.ts';

function standby(sources: readonly Source[]) {
  const clock = new FakeClock();
  const ran: string[] = [];
  const controller = new Controller({ name: 'test', sources, reconcile: ({ key }) => void ran.push(key), clock });
  return { clock, ran, controller };
}

describe('warm standby', () => {
  it('I-71: sources run and the queue fills, nothing is reconciled before run, and then everything is at once', async () => {
    const source = manualSource();
    const { clock, ran, controller } = standby([source]);
    const warm = new AbortController();
    const warmUp = controller.warmUp(warm.signal);
    await controller.warm();
    for (const key of ['a', 'b', 'a']) source.sink!.enqueue(key);
    await clock.advance(60_000);
    expect([ran, controller.queue.length]).toEqual([[], 2]);
    expect(controller.explain('a').summary).toContain('it stands by');
    const lead = new AbortController();
    const run = controller.run(lead.signal);
    await settle();
    expect(ran).toEqual(['a', 'b']);
    source.sink!.enqueue('c');
    await settle();
    expect(ran).toEqual(['a', 'b', 'c']);
    lead.abort();
    await run;
    expect(source.signal!.aborted).toBe(true);
    warm.abort();
    await warmUp;
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-71: a standby that never leads stops its sources and leaves nothing behind', async () => {
    const source = manualSource();
    const { clock, ran, controller } = standby([source]);
    const warm = new AbortController();
    const warmUp = controller.warmUp(warm.signal);
    await settle();
    source.sink!.enqueue('a');
    controller.queue.addAfter('b', 1000);
    warm.abort();
    await warmUp;
    const { length, waiting, processing } = controller.queue;
    expect([ran, source.signal!.aborted, length, waiting, processing]).toEqual([[], true, 0, 0, 0]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-60, I-71: one that leads before it is warm waits for its caches', async () => {
    const synced = deferred();
    const slow: Source = {
      name: 'slow',
      start: (sink) => {
        sink.enqueue('early');
        return synced.promise;
      },
    };
    const { ran, controller } = standby([slow]);
    const [warm, lead] = [new AbortController(), new AbortController()];
    const warmUp = controller.warmUp(warm.signal);
    const run = controller.run(lead.signal);
    await settle();
    expect(ran).toEqual([]);
    synced.resolve();
    await settle();
    expect(ran).toEqual(['early']);
    lead.abort();
    await run;
    warm.abort();
    await warmUp;
  });

  it('I-61: a standby whose cache does not sync fails, naming it; and it warms up once', async () => {
    const { clock, controller } = standby([{ name: 'Website', start: () => new Promise(() => {}) }]);
    const warmUp = controller.warmUp(new AbortController().signal).catch((error: unknown) => error);
    const { signal } = new AbortController();
    await expect(controller.warmUp(signal)).rejects.toMatchObject({ code: 'Invalid' });
    await clock.advance(120_000);
    expect(await warmUp).toMatchObject({ code: 'Timeout', message: expect.stringContaining('Website') as string });
    expect(clock.pendingTimers).toBe(0);
  });
});
