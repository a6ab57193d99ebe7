import { describe, expect, it, vi } from 'vitest';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { exponentialLimiter } from './exponential-limiter.ts';
import { WorkQueue } from './work-queue.ts';

/** Takes everything that is ready, without saying that it is done. */
function takeAll(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) keys.push(key);
  return keys;
}

/** Takes everything that is ready and says that it is done, until nothing is. */
function workAll(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) {
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('adding and handing out', () => {
  it('I-1: delivers a key once, however often it was added while it waited', () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(1);
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('I-2: hands a key out exactly once more when it was added while held, and never before done', () => {
    const queue = new WorkQueue();
    queue.add('a');
    expect(queue.tryGet()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.tryGet()).toBeUndefined();
    queue.done('a');
    expect(workAll(queue)).toEqual(['a']);
  });

  it('I-3: never lets two workers hold one key, with 20 workers, 5 keys and adds at every step', async () => {
    const clock = new FakeClock();
    const random = seededRandom(3);
    const queue = new WorkQueue({ clock });
    const held = new Set<string>();
    let handedOut = 0;
    const worker = async (): Promise<void> => {
      for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
        expect(held.has(key)).toBe(false);
        held.add(key);
        handedOut++;
        for (let turns = random.next() * 5; turns > 0; turns--) await Promise.resolve();
        held.delete(key);
        queue.done(key);
      }
    };
    const workers = Array.from({ length: 20 }, worker);
    for (let step = 0; step < 2000; step++) {
      queue.add(`key-${Math.floor(random.next() * 5)}`);
      if (step % 7 === 0) await Promise.resolve();
    }
    await queue.drain();
    await Promise.all(workers);
    expect(handedOut).toBeGreaterThan(100);
    expect(held.size).toBe(0);
  });

  it('I-4: hands distinct keys out first-in first-out', () => {
    const queue = new WorkQueue();
    const keys = Array.from({ length: 1000 }, (_, index) => `key-${(index * 7919) % 1000}`);
    for (const key of keys) queue.add(key);
    expect(takeAll(queue)).toEqual(keys);
  });

  it('I-5: lets a key that was added again while held join the tail at done, not at the add', () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.tryGet();
    queue.add('a');
    queue.add('b');
    queue.done('a');
    queue.add('c');
    expect(takeAll(queue)).toEqual(['b', 'a', 'c']);
  });

  it('I-6: keeps an add that is made the moment the worker gets the key', async () => {
    const queue = new WorkQueue();
    const got = queue.get().then((key) => {
      queue.add(key!);
      queue.done(key!);
      return key;
    });
    queue.add('a');
    queue.add('a');
    expect(await got).toBe('a');
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('I-7: holds no state for a key after done: memory is back at its baseline after 1 million distinct keys', () => {
    const collect = (globalThis as { gc?: () => void }).gc;
    const queue = new WorkQueue({ rateLimiter: exponentialLimiter() });
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < 1_000_000; index++) queue.add(`namespace/key-${index}`);
    const full = process.memoryUsage().heapUsed;
    expect(workAll(queue)).toHaveLength(1_000_000);
    expect([queue.length, queue.waiting, queue.processing]).toEqual([0, 0, 0]);
    collect?.();
    const after = process.memoryUsage().heapUsed;
    if (collect) expect(after - before).toBeLessThan((full - before) / 10);
  });
});
