import { describe, expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import { Deadlines } from './deadlines.ts';

function setUp(afterMs: number) {
  const clock = new FakeClock();
  const told: [item: string, at: number][] = [];
  const start = clock.now();
  const deadlines = new Deadlines<string>(clock, afterMs, (item) => told.push([item, clock.now() - start]));
  return { clock, told, deadlines };
}

describe('deadlines that share a timer', () => {
  it('tell of each item at its own time', async () => {
    const { clock, told, deadlines } = setUp(100);
    deadlines.add('a');
    await clock.advance(30);
    deadlines.add('b');
    deadlines.add('c');
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(69);
    expect(told).toEqual([]);
    await clock.advance(100);
    expect(told).toEqual([
      ['a', 100],
      ['b', 130],
      ['c', 130],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('do not tell of what was taken out, and leave no timer behind', async () => {
    const { clock, told, deadlines } = setUp(100);
    deadlines.add('a');
    await clock.advance(50);
    deadlines.add('b');
    deadlines.delete('a');
    deadlines.delete('never there');
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(99);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual([['b', 150]]);
    deadlines.add('c');
    deadlines.delete('c');
    expect(clock.pendingTimers).toBe(0);
  });

  it('tell of the others when telling of one throws', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const deadlines = new Deadlines<string>(clock, 100, (item) => {
      if (item === 'a') throw new Error('a logger that is broken');
      told.push(item);
    });
    for (const item of ['a', 'b', 'c']) deadlines.add(item);
    await expect(clock.advance(100)).rejects.toThrow('a logger that is broken');
    await clock.advance(1);
    expect(told).toEqual(['b', 'c']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('go on with what is added while they tell', async () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const deadlines = new Deadlines<string>(clock, 100, (item) => {
      told.push(item);
      if (told.length < 3) deadlines.add(`after ${item}`);
    });
    deadlines.add('a');
    deadlines.add('b');
    await clock.advance(100);
    expect(told).toEqual(['a', 'b']);
    await clock.advance(100);
    expect(told).toEqual(['a', 'b', 'after a', 'after b']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('of Infinity never come', () => {
    const { clock, deadlines } = setUp(Infinity);
    deadlines.add('a');
    expect(clock.pendingTimers).toBe(0);
  });
});
