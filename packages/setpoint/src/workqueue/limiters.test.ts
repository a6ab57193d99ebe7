import { describe, expect, it } from 'vitest';
import { isSetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import {
  bucketLimiter,
  defaultControllerLimiter,
  defaultItemLimiter,
  exponentialLimiter,
  fastSlowLimiter,
  idleResetLimiter,
  maxOfLimiter,
  maxWaitLimiter,
  type RateLimiter,
} from './index.ts';

/** The delays of the next `calls` failures of `key`. */
const delays = (limiter: RateLimiter, calls: number, key = 'a'): number[] =>
  Array.from({ length: calls }, () => limiter.when(key));

describe('exponential limiter', () => {
  it('I-30: doubles from 5 ms to 655.36 s, then stays at 1000 s from the 19th failure on', () => {
    expect(delays(exponentialLimiter(), 21)).toEqual([
      5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 20_480, 40_960, 81_920, 163_840, 327_680, 655_360,
      1_000_000, 1_000_000, 1_000_000,
    ]);
  });

  it('I-31: still says 1000 s after 10,000 failures in a row', () => {
    const limiter = exponentialLimiter();
    const all = delays(limiter, 10_000);
    expect(new Set(all.slice(18))).toEqual(new Set([1_000_000]));
    expect(limiter.failures('a')).toBe(10_000);
  });

  it('I-32: starts a forgotten key at the base again, and takes an unknown one as nothing', () => {
    const limiter = exponentialLimiter();
    delays(limiter, 3);
    limiter.forget('a');
    limiter.forget('never-seen');
    expect([limiter.failures('a'), limiter.when('a')]).toEqual([0, 5]);
  });

  it('I-34: counts the calls since the key was forgotten, each key for itself', () => {
    const limiter = exponentialLimiter();
    delays(limiter, 3, 'a');
    delays(limiter, 1, 'b');
    expect([limiter.failures('a'), limiter.failures('b'), limiter.failures('c')]).toEqual([3, 1, 0]);
    limiter.forget('a');
    expect([limiter.failures('a'), limiter.failures('b')]).toEqual([0, 1]);
  });
});

describe('bucket limiter', () => {
  it('I-35: gives 100 keys no delay at one instant, the 101st 100 ms and the 110th 1 s', () => {
    const limiter = bucketLimiter({}, new FakeClock());
    const all = Array.from({ length: 110 }, (_, index) => limiter.when(`key-${index}`));
    expect(all.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 0));
    expect([all[100], all[109]]).toEqual([100, 1000]);
  });

  it('I-35: gives no tokens back on forget', () => {
    const limiter = bucketLimiter({ perSecond: 1, burst: 1 }, new FakeClock());
    limiter.when('a');
    limiter.forget('a');
    expect([limiter.failures('a'), limiter.when('a')]).toEqual([0, 1000]);
  });

  it('fills again with time, and never above its burst', async () => {
    const clock = new FakeClock();
    const limiter = bucketLimiter({ perSecond: 10, burst: 2 }, clock);
    expect(delays(limiter, 3)).toEqual([0, 0, 100]);
    await clock.advance(3_600_000);
    expect(delays(limiter, 3)).toEqual([0, 0, 100]);
  });

  it('gives back as many tokens as the time that has passed is worth', async () => {
    const clock = new FakeClock();
    const limiter = bucketLimiter({ perSecond: 4, burst: 2 }, clock);
    expect(delays(limiter, 3)).toEqual([0, 0, 250]);
    await clock.advance(500);
    expect(delays(limiter, 2)).toEqual([0, 250]);
  });

  it('takes a rate of less than one a second', () => {
    expect(delays(bucketLimiter({ perSecond: 0.5, burst: 1 }, new FakeClock()), 2)).toEqual([0, 2000]);
  });
});

describe('composed limiters', () => {
  it('I-36: asks every limiter each time, so that tokens are spent even while the other delay is longer', () => {
    const bucket = bucketLimiter({ perSecond: 1, burst: 3 }, new FakeClock());
    const limiter = maxOfLimiter(exponentialLimiter({ baseMs: 100, maxMs: 100 }), bucket);
    expect(delays(limiter, 3)).toEqual([100, 100, 100]);
    expect(bucket.when('b')).toBe(1000);
    expect(limiter.when('a')).toBe(2000);
  });

  it('I-36: reports the largest failure count, and forgets in all', () => {
    const inner = [exponentialLimiter(), exponentialLimiter()] as const;
    const limiter = maxOfLimiter(...inner);
    delays(limiter, 2);
    inner[1].when('a');
    expect(limiter.failures('a')).toBe(3);
    limiter.forget('a');
    expect(inner.map((one) => one.failures('a'))).toEqual([0, 0]);
  });

  it('I-37: is by default the exponential delay of the key or the shared bucket, whichever is longer', () => {
    const limiter = defaultControllerLimiter(new FakeClock());
    expect(delays(limiter, 3, 'a')).toEqual([5, 10, 20]);
    for (let index = 3; index < 100; index++) expect(limiter.when(`key-${index}`)).toBe(5);
    expect(limiter.when('late')).toBe(100);
    expect(limiter.failures('a')).toBe(3);
  });

  it('I-38: starts at 1 ms outside controllers, up to 1000 s', () => {
    const all = delays(defaultItemLimiter(), 22);
    expect([all[0], all[1], all[19], all[20], all[21]]).toEqual([1, 2, 524_288, 1_000_000, 1_000_000]);
  });

  it('I-38: is fast for the first attempts, then slow, until forgotten', () => {
    const limiter = fastSlowLimiter({ fastMs: 5, slowMs: 60_000, fastAttempts: 3 });
    expect(delays(limiter, 5)).toEqual([5, 5, 5, 60_000, 60_000]);
    expect(limiter.failures('a')).toBe(5);
    limiter.forget('a');
    expect([limiter.failures('a'), limiter.when('a')]).toEqual([0, 5]);
  });

  it('I-38: caps any limiter, and passes everything else on', () => {
    const inner = exponentialLimiter();
    const limiter = maxWaitLimiter(inner, 15);
    expect(delays(limiter, 4)).toEqual([5, 10, 15, 15]);
    expect(limiter.failures('a')).toBe(4);
    limiter.forget('a');
    expect(inner.failures('a')).toBe(0);
  });

  it('I-40: starts a key over that was idle for longer than twice the longest delay', async () => {
    const clock = new FakeClock();
    const limiter = idleResetLimiter(exponentialLimiter({ baseMs: 10, maxMs: 100 }), 200, clock);
    expect(delays(limiter, 3)).toEqual([10, 20, 40]);
    await clock.advance(200);
    expect(limiter.when('a')).toBe(80);
    await clock.advance(201);
    expect([limiter.failures('a'), limiter.when('a')]).toEqual([0, 10]);
  });

  it('I-40: drops every idle key from the inner limiter when any key fails', async () => {
    const clock = new FakeClock();
    const inner = exponentialLimiter();
    const limiter = idleResetLimiter(inner, 200, clock);
    for (let index = 0; index < 10; index++) limiter.when(`gone-${index}`);
    await clock.advance(150);
    limiter.when('recent');
    limiter.when('gone-3');
    await clock.advance(100);
    limiter.when('a');
    const left = ['gone-0', 'gone-9', 'gone-3', 'recent', 'a'].map((key) => inner.failures(key));
    expect(left).toEqual([0, 0, 2, 1, 1]);
  });
});

describe('options', () => {
  it.each([
    ['baseMs', () => exponentialLimiter({ baseMs: 0 }), /a finite number above 0, but 0 was given/],
    ['baseMs', () => exponentialLimiter({ baseMs: NaN }), /but NaN was given/],
    ['maxMs', () => exponentialLimiter({ baseMs: 10, maxMs: 5 }), /a finite number of at least 10, but 5 was given/],
    ['perSecond', () => bucketLimiter({ perSecond: -1 }), /above 0, but -1 was given/],
    ['burst', () => bucketLimiter({ burst: 1.5 }), /an integer of at least 1, but 1.5 was given/],
    ['fastMs', () => fastSlowLimiter({ fastMs: -1, slowMs: 1, fastAttempts: 1 }), /at least 0, but -1/],
    ['slowMs', () => fastSlowLimiter({ fastMs: 1, slowMs: Infinity, fastAttempts: 1 }), /but Infinity was given/],
    [
      'fastAttempts',
      () => fastSlowLimiter({ fastMs: 1, slowMs: 1, fastAttempts: '3' as never }),
      /but string was given/,
    ],
    ['slowMs', () => fastSlowLimiter({ fastMs: 1, slowMs: -1, fastAttempts: 1 }), /at least 0, but -1/],
    [
      'fastAttempts',
      () => fastSlowLimiter({ fastMs: 1, slowMs: 1, fastAttempts: 1.5 }),
      /an integer of at least 0, but 1.5/,
    ],
    ['fastAttempts', () => fastSlowLimiter({ fastMs: 1, slowMs: 1, fastAttempts: -1 }), /at least 0, but -1/],
    ['maxMs', () => maxWaitLimiter(exponentialLimiter(), -1), /at least 0, but -1/],
    ['idleMs', () => idleResetLimiter(exponentialLimiter(), 0), /above 0, but 0/],
    ['at least 1 limiter', () => maxOfLimiter(), /0 were given/],
  ])('refuses a bad %s with what was expected and what came', (name, make, message) => {
    let thrown: unknown;
    try {
      make();
    } catch (error) {
      thrown = error;
    }
    expect(isSetpointError(thrown, 'Invalid')).toBe(true);
    expect((thrown as Error).message).toContain(name);
    expect((thrown as Error).message).toMatch(message);
  });

  it('says in the details which option it was', () => {
    expect(() => bucketLimiter({ burst: 0 })).toThrow(
      expect.objectContaining({ details: { path: 'bucketLimiter burst' } }) as Error,
    );
  });
});
