import { describe, expect, it } from 'vitest';
import type { Timer } from '../internal/clock.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { WorkQueue } from './work-queue.ts';

/** Says whether `promise` is settled now, without waiting for it. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.finally(() => (settled = true));
  await settle();
  return settled;
}

describe('shutdown', () => {
  it('I-9: drops adds after shutdown silently, whatever they are', () => {
    const queue = new WorkQueue();
    queue.shutDown();
    queue.add('a');
    queue.add('a', { delayMs: 5 });
    queue.addAfter('a', 0);
    queue.addAfter('a', NaN);
    queue.addRateLimited('a');
    queue.add(undefined as never);
    queue.shutDown();
    expect([queue.length, queue.waiting, queue.failures('a'), queue.shuttingDown]).toEqual([0, 0, 0, true]);
  });

  it('I-10: hands out what is queued after shutdown, and only then reports it', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.add('b');
    queue.shutDown();
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['a', 'b', undefined]);
  });

  it('I-10: wakes every blocked getter at shutdown', async () => {
    const queue = new WorkQueue();
    const got = Promise.all([queue.get(), queue.get(new AbortController().signal), queue.get()]);
    queue.shutDown();
    expect(await got).toEqual([undefined, undefined, undefined]);
  });

  it('I-11: hands a key that is dirty and in processing at shutdown out once more, after done', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.tryGet();
    queue.add('a');
    queue.shutDown();
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.get()).toBe('a');
    queue.done('a');
    expect(await queue.get()).toBeUndefined();
  });

  it('I-25: discards delayed keys at shutdown, and ignores delayed adds after it', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('early', 10);
    queue.addAfter('late', 100_000);
    queue.shutDown();
    queue.addAfter('after', 10);
    await clock.advance(200_000);
    expect([queue.length, queue.waiting]).toEqual([0, 0]);
  });

  it('I-51: shuts down between handing a key over and the worker running, without a deadlock or a lost key', async () => {
    const queue = new WorkQueue();
    const got = [queue.get(), queue.get()];
    queue.add('a');
    const drained = queue.drain();
    expect(await Promise.all(got)).toEqual(['a', undefined]);
    expect(await isSettled(drained)).toBe(false);
    queue.done('a');
    expect(await drained).toEqual({ left: [] });
  });
});

describe('drain', () => {
  it('I-12: returns only when nothing is in processing', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.tryGet();
    const drained = queue.drain();
    expect(await isSettled(drained)).toBe(false);
    queue.add('dropped');
    queue.done('a');
    expect(await drained).toEqual({ left: [] });
    expect(await queue.get()).toBeUndefined();
  });

  it('I-12: is blocked by a missing done for ever, until a plain shutdown releases it', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('stuck');
    queue.tryGet();
    const drained = queue.drain();
    await clock.advance(30 * 24 * 3600_000);
    expect(await isSettled(drained)).toBe(false);
    queue.shutDown();
    expect(await drained).toEqual({ left: ['stuck'] });
  });

  it('keeps the process alive while it waits for no longer than a time', async () => {
    const referenced: (boolean | undefined)[] = [];
    class RecordingClock extends FakeClock {
      override setTimer(callback: () => void, delayMs: number, options?: { readonly ref?: boolean }): Timer {
        referenced.push(options?.ref);
        return super.setTimer(callback, delayMs);
      }
    }
    const clock = new RecordingClock();
    const queue = new WorkQueue({ clock });
    queue.add('stuck');
    const drained = queue.drain(50);
    expect(referenced).toEqual([true]);
    await clock.advance(50);
    expect(await drained).toEqual({ left: ['stuck'] });
  });

  it('I-13: waits for what is queued and not started, too', async () => {
    const queue = new WorkQueue();
    queue.add('queued');
    const drained = queue.drain();
    expect(await isSettled(drained)).toBe(false);
    expect(await queue.get()).toBe('queued');
    expect(await isSettled(drained)).toBe(false);
    queue.done('queued');
    expect(await drained).toEqual({ left: [] });
  });

  it('I-13: waits for a key that was added again while held', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.tryGet();
    queue.add('a');
    const drained = queue.drain();
    queue.done('a');
    expect(await isSettled(drained)).toBe(false);
    queue.tryGet();
    queue.done('a');
    expect(await drained).toEqual({ left: [] });
  });

  it('I-13: gives up after its time-out, and reports what was left, held or queued', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (const key of ['held', 'queued', 'finished']) queue.add(key);
    queue.tryGet();
    queue.addAfter('delayed', 1);
    const drained = queue.drain(5000);
    await clock.advance(4999);
    expect(await isSettled(drained)).toBe(false);
    await clock.advance(1);
    expect(await drained).toEqual({ left: ['held', 'queued', 'finished'] });
    expect(queue.tryGet()).toBe('queued');
    expect(clock.pendingTimers).toBe(0);
  });

  it('returns at once when there is nothing to wait for, and leaves no timer', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('delayed', 1000);
    expect(await queue.drain(5000)).toEqual({ left: [] });
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses a negative time-out, and goes on accepting keys', async () => {
    const queue = new WorkQueue();
    await expect(queue.drain(-1)).rejects.toThrow(/Invalid.*timeoutMs.*at least 0.*-1/);
    queue.add('a');
    expect(queue.length).toBe(1);
  });
});
