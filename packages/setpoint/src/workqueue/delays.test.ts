import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock, type Timer } from '../internal/clock.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { createMetrics } from '../internal/metrics.ts';
import { WorkQueue } from './work-queue.ts';

const DAY_MS = 24 * 3600_000;

/** A queue, its clock, and the keys that came ready with their times; they are taken and done as they come. */
function recorded(clock = new FakeClock()) {
  const queue = new WorkQueue({ clock });
  const handedOut: [key: string, at: number][] = [];
  queue.onReady(() => {
    const key = queue.tryGet()!;
    handedOut.push([key, clock.now()]);
    queue.done(key);
  });
  return { clock, queue, handedOut };
}

afterEach(() => void vi.useRealTimers());

describe('delayed adds', () => {
  it.each([0, -1, -1e9])('I-21: adds at once for a delay of %d, and still counts a retry', (delayMs) => {
    const metrics = createMetrics();
    const queue = new WorkQueue({ name: 'q', metrics, clock: new FakeClock() });
    queue.addAfter('a', delayMs);
    expect([queue.length, queue.waiting]).toEqual([1, 0]);
    expect(metrics.render()).toContain('workqueue_retries_total{name="q",controller="q"} 1\n');
  });

  it.each([
    ['earlier first', [100, 500]],
    ['later first', [500, 100]],
  ])('I-22: lets the earlier of two delayed adds win, %s, with one delivery', async (_, delays) => {
    const { clock, queue, handedOut } = recorded();
    for (const delayMs of delays) queue.addAfter('a', delayMs);
    expect(queue.waiting).toBe(1);
    await clock.advance(1000);
    expect(handedOut).toEqual([['a', 100]]);
  });

  it('arms one timer, for the key that is due first, and another one only for a key that is due earlier', async () => {
    let armed = 0;
    class CountingClock extends FakeClock {
      override setTimer(callback: () => void, delayMs: number): Timer {
        armed++;
        return super.setTimer(callback, delayMs);
      }
    }
    const { clock, queue, handedOut } = recorded(new CountingClock());
    for (const delayMs of [500, 600, 500, 700]) queue.addAfter(`key-${delayMs}`, delayMs);
    expect(armed).toBe(2); // with the heartbeat
    queue.addAfter('key-400', 400);
    expect(armed).toBe(3);
    await clock.advance(1000);
    expect(handedOut.map(([key]) => key)).toEqual(['key-400', 'key-500', 'key-600', 'key-700']);
  });

  it('I-43: a key that waits for its time at priority 0 is not lowered by another add', () => {
    const { queue } = recorded();
    queue.addAfter('a', 100);
    queue.add('a', { priority: -5, delayMs: 50 });
    expect(queue.look('a')).toMatchObject({ state: 'delayed', priority: 0, readyInMs: 50 });
  });

  it('lets different keys through each at its own time, however they were added', async () => {
    const { clock, queue, handedOut } = recorded();
    queue.addAfter('c', 300);
    queue.addAfter('a', 100);
    queue.add('b', { delayMs: 200 });
    await clock.advance(99);
    expect(handedOut).toEqual([]);
    await clock.advance(1000);
    expect(handedOut).toEqual([
      ['a', 100],
      ['b', 200],
      ['c', 300],
    ]);
  });

  it('lets keys of one time through in the order in which they were added', async () => {
    const { clock, queue, handedOut } = recorded();
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
    for (const key of keys) queue.addAfter(key, 100);
    await clock.advance(100);
    expect(handedOut.map(([key]) => key)).toEqual(keys);
  });

  it('I-23: fixes the ready time when the call is made, not when the timer is set', async () => {
    const { clock, queue, handedOut } = recorded();
    queue.addAfter('first', 50);
    await clock.advance(20);
    queue.addAfter('second', 50);
    await clock.advance(1000);
    expect(handedOut).toEqual([
      ['first', 50],
      ['second', 70],
    ]);
  });

  it('I-24: takes an immediate add in place of a pending delayed one: the key runs once', async () => {
    const { clock, queue, handedOut } = recorded();
    queue.addAfter('a', 100);
    queue.add('a');
    expect(queue.waiting).toBe(0);
    await clock.advance(1000);
    expect(handedOut).toEqual([['a', 0]]);
  });

  it('I-24: takes a delayed add of a key that is ready as part of that', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.addAfter('a', 100);
    expect([queue.length, queue.waiting]).toEqual([1, 0]);
    queue.done(queue.tryGet()!);
    await clock.advance(1000);
    expect(queue.length).toBe(0);
  });

  it('I-24: collapses immediate and delayed adds of a key in processing to one more run, after done', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.tryGet();
    queue.addAfter('a', 100);
    queue.add('a');
    queue.addAfter('a', 50);
    expect([queue.length, queue.waiting]).toEqual([0, 0]);
    queue.done('a');
    expect(queue.tryGet()).toBe('a');
    queue.done('a');
    await clock.advance(1000);
    expect(queue.tryGet()).toBeUndefined();
  });

  it('lets a key whose delay passes while it is held become ready at done', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.tryGet();
    queue.addAfter('a', 100);
    await clock.advance(500);
    expect([queue.length, queue.waiting, queue.tryGet()]).toEqual([0, 0, undefined]);
    queue.done('a');
    expect(queue.tryGet()).toBe('a');
  });

  it('lets a delay outlive the done of a key that was delayed while held', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.tryGet();
    queue.addAfter('a', 100);
    queue.done('a');
    expect([queue.length, queue.waiting]).toEqual([0, 1]);
    await clock.advance(100);
    expect(queue.tryGet()).toBe('a');
  });

  it('gives other work its turn while many keys come due at once', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (let index = 0; index < 25_000; index++) queue.addAfter(`key-${index}`, 10);
    let longestBatch = 0;
    let batch = 0;
    queue.onReady(() => {
      batch++;
      longestBatch = Math.max(longestBatch, batch);
      void Promise.resolve().then(() => (batch = 0));
    });
    await clock.advance(10);
    expect([queue.length, queue.waiting]).toEqual([25_000, 0]);
    expect(longestBatch).toBeLessThanOrEqual(10_000);
  });
});

describe('timers', () => {
  it('I-26: delivers a key delayed by 30 days after 30 days, past the limit of a timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const queue = new WorkQueue({ clock: systemClock });
    queue.addAfter('a', 30 * DAY_MS);
    await vi.advanceTimersByTimeAsync(100);
    expect(queue.length).toBe(0);
    vi.advanceTimersByTime(30 * DAY_MS - 101);
    expect([queue.length, queue.waiting]).toEqual([0, 1]);
    vi.advanceTimersByTime(1);
    expect([queue.length, queue.waiting]).toEqual([1, 0]);
  });

  it.each([3600_000, -3600_000])('I-27: is not moved by a wall clock that jumps by %d ms', async (jump) => {
    const { clock, queue, handedOut } = recorded();
    queue.addAfter('a', 1000);
    clock.jumpWall(jump);
    await clock.advance(999);
    expect(handedOut).toEqual([]);
    await clock.advance(1);
    expect(handedOut).toEqual([['a', 1000]]);
  });

  it('I-28: keeps no process alive while keys wait, and has no timer after stop', async () => {
    const alive = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = alive();
    const queue = new WorkQueue();
    queue.addAfter('a', 60_000);
    expect(alive()).toBe(before);
    queue.shutDown();

    const clock = new FakeClock();
    const stopped = new WorkQueue({ clock });
    stopped.addAfter('a', 60_000);
    expect(clock.pendingTimers).toBe(2);
    stopped.shutDown();
    expect(clock.pendingTimers).toBe(0);
  });

  it('sets one timer and the heartbeat however many keys wait, and none when none does', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (let index = 0; index < 1000; index++) queue.addAfter(`key-${index}`, 1 + ((index * 7919) % 1000));
    expect(clock.pendingTimers).toBe(2);
    await clock.advance(500);
    expect(clock.pendingTimers).toBe(2);
    await clock.advance(500);
    expect([queue.length, clock.pendingTimers]).toEqual([1000, 0]);
    queue.addAfter('one', 1000);
    queue.add('one');
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-29: lets an expired key wait at most 10 s more when its timer was lost', async () => {
    class LossyClock extends FakeClock {
      override setTimer(callback: () => void, delayMs: number): Timer {
        return delayMs === 10_000 ? super.setTimer(callback, delayMs) : { cancel: () => {} };
      }
    }
    const { clock, queue, handedOut } = recorded(new LossyClock());
    queue.addAfter('a', 25_000);
    await clock.advance(12_000);
    queue.addAfter('b', 1000);
    await clock.advance(100_000);
    expect(handedOut).toEqual([
      ['b', 20_000],
      ['a', 30_000],
    ]);
  });
});
