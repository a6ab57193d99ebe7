import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';
import { seededRandom, systemRandom } from './random.ts';

const still = { next: () => 0, uuid: () => '' };

describe('Backoff', () => {
  it('I-78: doubles from 800 ms to a cap of 30 s and starts over after a reset', () => {
    const backoff = new Backoff({ baseMs: 800, maxMs: 30_000 }, still);
    expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
      800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ]);
    backoff.reset();
    expect(backoff.next()).toBe(800);
  });

  it('I-78: jitters each delay d into [d, 2d)', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 1_000; round++) {
      const delay = new Backoff({ baseMs: 100, maxMs: 100 }, random).next();
      expect(delay).toBeGreaterThanOrEqual(100);
      expect(delay).toBeLessThan(200);
    }
  });

  it('stays finite after ten thousand attempts', () => {
    const backoff = new Backoff({ baseMs: 1, maxMs: 1_000 }, still);
    for (let attempt = 0; attempt < 10_000; attempt++) backoff.next();
    expect(backoff.next()).toBe(1_000);
  });
});

describe('seededRandom', () => {
  it('gives the same sequence and the same ids for one seed, and others for another', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return [random.next(), random.next(), random.uuid(), random.uuid()];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('spreads evenly enough to draw from, and makes version 4 UUIDs', () => {
    const random = seededRandom(42);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw++) buckets[Math.floor(random.next() * 10)]!++;
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
    const uuid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
    for (const source of [random, systemRandom]) expect(source.uuid()).toMatch(uuid);
  });
});
