import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { createMetrics } from '../internal/metrics.ts';
import { exponentialLimiter } from './exponential-limiter.ts';
import { namespaceOf } from './fair-list.ts';
import { WorkQueue } from './work-queue.ts';

function withClock() {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, rateLimiter: exponentialLimiter() }) };
}

function takeAll(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.tryGet(); key !== undefined && keys.length < 20_000; key = queue.tryGet()) keys.push(key);
  return keys;
}

describe('priorities in the queue', () => {
  it('I-41: come into play with the first one that is given, also for keys that wait already', () => {
    const { queue } = withClock();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    queue.add('low', { priority: -100 });
    queue.add('high', { priority: 1 });
    queue.add('c', { priority: 1 });
    expect(takeAll(queue)).toEqual(['high', 'c', 'a', 'b', 'low']);
  });

  it('I-42, I-48: the highest of several adds counts, and a plain one lifts a key to 0', () => {
    const { queue } = withClock();
    queue.add('a', { priority: -100 });
    queue.add('b', { priority: -100 });
    queue.add('c', { priority: -100 });
    queue.add('b');
    queue.addAfter('c', 1000, { priority: 5 });
    expect(takeAll(queue)).toEqual(['c', 'b', 'a']);
  });

  it('I-42, I-44: a delayed key has the highest priority of its adds and the earliest time, and counts from then on', async () => {
    const { clock, queue } = withClock();
    queue.addAfter('late', 50, { priority: 3 });
    queue.addAfter('late', 20, { priority: -3 });
    queue.addAfter('low', 10, { priority: -100 });
    await clock.advance(15);
    for (const key of ['a', 'b']) queue.add(key);
    await clock.advance(5);
    queue.add('c', { priority: 3 });
    expect(takeAll(queue)).toEqual(['late', 'c', 'a', 'b', 'low']);
  });

  it('I-44: an immediate add keeps the priority of the delayed one whose place it takes', () => {
    const { queue } = withClock();
    queue.addAfter('a', 1000, { priority: 9 });
    queue.add('b');
    queue.add('a', { priority: -1 });
    expect(queue.waiting).toBe(0);
    expect(takeAll(queue)).toEqual(['a', 'b']);
  });

  it('I-45: a delayed add does not delay a ready key, and a rate-limited one still counts a failure', () => {
    const { queue } = withClock();
    queue.add('a', { priority: 1 });
    queue.addAfter('a', 1000, { priority: 1 });
    queue.addRateLimited('a', { priority: 1 });
    expect([queue.length, queue.waiting, queue.failures('a')]).toEqual([1, 0, 1]);
  });

  it('I-46: of a delay and a rate limit given together the shorter counts, and the failure too', async () => {
    const { clock, queue } = withClock();
    queue.add('a', { rateLimited: true, delayMs: 1000 });
    queue.add('b', { rateLimited: true, delayMs: 2 });
    queue.add('c', { rateLimited: true });
    await clock.advance(2);
    expect(takeAll(queue)).toEqual(['b']);
    await clock.advance(3);
    expect(takeAll(queue)).toEqual(['a', 'c']);
    expect(['a', 'b', 'c'].map((key) => queue.failures(key))).toEqual([1, 1, 1]);
  });

  it('I-47: a key in processing blocks nobody, and takes its priority up at done', () => {
    const { queue } = withClock();
    queue.add('a', { priority: 5 });
    queue.add('b');
    queue.add('c');
    expect(queue.tryGet()).toBe('a');
    queue.add('a', { priority: 5 });
    expect(queue.tryGet()).toBe('b');
    queue.done('a');
    expect(takeAll(queue)).toEqual(['a', 'c']);
  });

  it('I-49: tells the priority that a key was handed out with, until it is done', () => {
    const { queue } = withClock();
    queue.add('a', { priority: -100 });
    queue.tryGet();
    queue.add('a', { priority: 7 });
    expect(queue.heldPriority('a')).toBe(-100);
    queue.done('a');
    expect(queue.heldPriority('a')).toBe(0);
    queue.tryGet();
    expect(queue.heldPriority('a')).toBe(7);
  });

  it('I-51: a shutdown in the turn in which a key is handed to a waiting worker loses and blocks nothing', async () => {
    const { queue } = withClock();
    const got = [queue.get(), queue.get()];
    queue.add('a', { priority: 3 });
    queue.shutDown();
    expect(await Promise.all(got)).toEqual(['a', undefined]);
    const drained = queue.drain();
    queue.done('a');
    expect(await drained).toEqual({ left: [] });
  });

  it('I-7: nothing is left of priorities and causes once their keys are done, dropped or drained', async () => {
    const { clock, queue } = withClock();
    for (let index = 0; index < 100; index++) {
      const cause = { type: 'manual' } as const;
      queue.add(`k${index}`, { priority: index, cause });
      queue.addAfter(`d${index}`, 10 + index * 1000, { priority: index, cause });
    }
    await clock.advance(10);
    for (const key of takeAll(queue)) queue.done(key);
    queue.shutDown();
    expect(queue.inspect()).toEqual([]);
    expect(queue.look('d5')).toBeUndefined();
  });

  it('I-20: the depth is told for each priority', async () => {
    const metrics = createMetrics();
    const queue = new WorkQueue({ name: 'q', metrics, clock: new FakeClock() });
    const depth = (priority: string): string | undefined =>
      new RegExp(`workqueue_depth\\{name="q",controller="q",priority="${priority}"\\} (.*)`).exec(
        metrics.render(),
      )?.[1];
    queue.add('a');
    queue.add('b', { priority: -100 });
    queue.add('c', { priority: -100 });
    expect([depth('0'), depth('-100')]).toEqual(['1', '2']);
    for (let priority = 1; priority < 60; priority++) queue.add(`p${priority}`, { priority });
    expect(metrics.render().match(/^workqueue_depth\{/gm)).toHaveLength(26);
    expect(depth('exceeded_cardinality_limit')).toBe('36');
    await settle();
  });

  it('refuses a priority that is no integer', () => {
    const { queue } = withClock();
    for (const priority of [0.5, Number.NaN, Infinity]) {
      expect(() => queue.add('a', { priority })).toThrow(/Invalid.*priority of key "a" must be an integer/);
    }
    expect(queue.length).toBe(0);
  });

  it('I-183: a flooding tenant does not keep others from the workers', () => {
    const queue = new WorkQueue({ fairness: { flowOf: namespaceOf } });
    for (let index = 0; index < 1000; index++) queue.add(`noisy/${index}`);
    queue.add('quiet/1');
    const first = [queue.tryGet(), queue.tryGet(), queue.tryGet()];
    expect(first).toContain('quiet/1');
  });
});
