import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from './fake-clock.ts';
import { TimeSlice } from './time-slice.ts';

/** A clock that moves by the work that is done, and how much of that each turn of the event loop saw. */
function worked() {
  const clock = new FakeClock();
  let now = 0;
  clock.now = () => now;
  clock.yield = () => settle();
  const order: string[] = [];
  const loop = async (name: string, slice: TimeSlice, items: number): Promise<void> => {
    for (let item = 0; item < items; item++) {
      now++;
      if (order.at(-1) !== name) order.push(name);
      if (slice.due()) await slice.rest();
    }
  };
  const turns = async (done: Promise<unknown>): Promise<number[]> => {
    const each: number[] = [];
    let over = false;
    void done.then(() => (over = true));
    for (let before = now; !over; before = now) {
      await settle();
      each.push(now - before);
    }
    return each;
  };
  return { clock, loop, turns, order };
}

describe('TimeSlice', () => {
  it('I-181: loops that rest take turns: together they work for one slice in a turn, and each gets its own', async () => {
    const { clock, loop, turns, order } = worked();
    const slice = new TimeSlice(clock, 10);
    const names = Array.from({ length: 10 }, (_, at) => `loop-${at}`);
    const each = await turns(Promise.all(names.map((name) => loop(name, slice, 50))));
    // The first turn is that of the test, in which all begin.
    expect(Math.max(...each.slice(1))).toBeLessThanOrEqual(10);
    expect(order.slice(10, 30)).toEqual([...names, ...names]);
  });

  it('I-181: so do those that have slices of their own, on one clock', async () => {
    const { clock, loop, turns } = worked();
    const loops = Array.from({ length: 10 }, (_, at) => loop(`loop-${at}`, new TimeSlice(clock, 10), 50));
    const each = await turns(Promise.all(loops));
    expect(Math.max(...each.slice(1))).toBeLessThanOrEqual(10);
  });
});
