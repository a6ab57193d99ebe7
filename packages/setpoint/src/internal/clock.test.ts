import { queryObjects } from 'node:v8';
import { describe, expect, it, vi } from 'vitest';
import { sleep, systemClock } from './clock.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { TimeSlice } from './time-slice.ts';

describe('systemClock', () => {
  it('I-26: waits out a delay beyond 2³¹−1 ms, where a bare timer would fire at once', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const fired = vi.fn();
      const days = 30 * 24 * 3600 * 1000;
      systemClock.setTimer(fired, days);
      vi.advanceTimersByTime(days - 1);
      expect(fired).not.toHaveBeenCalled();
      vi.advanceTimersByTime(2);
      expect(fired).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  it('cancels a timer, also one that is on its second hop', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const fired = vi.fn();
      const timer = systemClock.setTimer(fired, 2 ** 32);
      vi.advanceTimersByTime(2 ** 31);
      timer.cancel();
      timer.cancel();
      vi.advanceTimersByTime(2 ** 33);
      expect(fired).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('yield', () => {
  it('lets a loop go on also while a test of the user has replaced the timers, and after that', async () => {
    const slice = new TimeSlice(systemClock);
    vi.useFakeTimers({ toFake: ['setImmediate'] });
    const during = slice.rest().then(() => 'during');
    vi.useRealTimers();
    const after = slice.rest().then(() => 'after');
    const late = settle().then(settle).then(settle);
    expect(await Promise.race([Promise.all([during, after]), late])).toEqual(['during', 'after']);
  });
});

describe('what a cancelled timer leaves behind', () => {
  it('I-180: is nothing, however many different delays there were', () => {
    // Node has a list of timers for each delay; only a timer that waits leads to one.
    const waiting = setTimeout(() => {}, 1000) as unknown as { readonly _idlePrev: object };
    const TimersList = waiting._idlePrev.constructor;
    const lists = (): number => queryObjects(TimersList, { format: 'count' });
    const before = lists();
    for (let i = 0; i < 200; i++) systemClock.setTimer(() => {}, 300_000 + i * 1000).cancel();
    expect(lists() - before).toBeLessThan(20);
    clearTimeout(waiting as never);
  });
});

describe('sleep', () => {
  it('resolves after the delay, and at once when the signal aborts, leaving no timer', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    void sleep(clock, 100).then(() => seen.push('slept'));
    const stop = new AbortController();
    void sleep(clock, 1_000, stop.signal).then(() => seen.push('woken'));
    await clock.advance(99);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(['slept']);
    stop.abort();
    await clock.advance(0);
    expect(seen).toEqual(['slept', 'woken']);
    expect(clock.pendingTimers).toBe(0);
    await sleep(clock, 1_000, stop.signal);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('FakeClock', () => {
  it('fires timers in order of due time, equal ones in order of setting, and those set on the way', async () => {
    const clock = new FakeClock();
    const fired: [string, number][] = [];
    const note = (name: string) => () => fired.push([name, clock.now()]);
    clock.setTimer(note('b'), 20);
    clock.setTimer(note('a'), 10);
    clock.setTimer(note('c'), 20);
    clock.setTimer(() => clock.setTimer(note('nested'), 2), 11);
    await clock.advance(30);
    expect(fired).toEqual([
      ['a', 10],
      ['nested', 13],
      ['b', 20],
      ['c', 20],
    ]);
    expect(clock.now()).toBe(30);
  });

  it('I-27: leaves monotonic time alone when the wall clock jumps', async () => {
    const clock = new FakeClock(0);
    const fired = vi.fn();
    clock.setTimer(fired, 10);
    clock.jumpWall(3_600_000);
    expect([clock.now(), clock.wallNow()]).toEqual([0, 3_600_000]);
    expect(fired).not.toHaveBeenCalled();
    await clock.advance(10);
    expect(fired).toHaveBeenCalledOnce();
  });
});
