import { describe, expect, it, vi } from 'vitest';
import { warningsOf } from '../../../../test/harness/warnings-of.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { WorkQueue } from './work-queue.ts';

/** A queue that hands out for ever must fail the test: a loop that never waits can't be timed out. */
function checkEnds(handOuts: number): void {
  if (handOuts > 20_000) throw new Error('the queue hands out keys for ever');
}

/** Takes everything that is ready, without saying that it is done. */
function takeAll(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) checkEnds(keys.push(key));
  return keys;
}

/** Takes everything that is ready and says that it is done, until nothing is. */
function workAll(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) {
    checkEnds(keys.push(key));
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
        checkEnds(++handedOut);
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

  it('I-8: takes a done for a key that is ready, delayed, done already or unknown as nothing', () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add('ready');
    queue.addAfter('delayed', 1000);
    queue.add('finished');
    for (const key of ['ready', 'delayed', 'unknown']) queue.done(key);
    expect([queue.length, queue.waiting]).toEqual([2, 1]);
    expect(workAll(queue)).toEqual(['ready', 'finished']);
    queue.done('finished');
    expect([queue.length, queue.waiting, queue.processing]).toEqual([0, 1, 0]);
  });

  it('I-14: counts neither the keys in processing nor the delayed ones in its length', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (const key of ['held', 'ready', 'also-ready']) queue.add(key);
    queue.tryGet();
    queue.add('held');
    queue.addAfter('delayed', 1000);
    expect([queue.length, queue.processing, queue.waiting]).toEqual([2, 1, 1]);
    await clock.advance(1000);
    expect([queue.length, queue.processing, queue.waiting]).toEqual([3, 1, 0]);
  });

  it('refuses a key that is not a string, as two equal objects would be two keys', () => {
    const queue = new WorkQueue();
    expect(() => queue.add({ name: 'web' } as never)).toThrow(/Invalid.*string.*object/);
    expect(() => queue.addAfter(7 as never, 10)).toThrow(/Invalid.*string.*number/);
    expect([queue.length, queue.waiting]).toEqual([0, 0]);
  });
});

describe('waiting for a key', () => {
  it('answers the getters in the order in which they asked', async () => {
    const queue = new WorkQueue();
    const got = Promise.all([queue.get(), queue.get(), queue.get()]);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect(await got).toEqual(['a', 'b', 'c']);
    expect([queue.length, queue.processing]).toEqual([0, 3]);
  });

  it('gives a key that is done and was added meanwhile to the getter that waits', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.tryGet();
    const got = queue.get();
    queue.add('a');
    queue.done('a');
    queue.shutDown(); // whoever still waited gets undefined
    expect(await got).toBe('a');
  });

  it('answers a getter whose signal aborts with undefined, and gives its key to the next', async () => {
    const queue = new WorkQueue();
    const aborting = new AbortController();
    const got = [queue.get(aborting.signal), queue.get()];
    aborting.abort();
    queue.add('a');
    expect(await Promise.all(got)).toEqual([undefined, 'a']);
    expect(queue.processing).toBe(1);
    expect(await queue.get(aborting.signal)).toBeUndefined();
  });

  it('hands nothing out to a getter whose signal had aborted before, and leaves the key to others', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    expect(await queue.get(AbortSignal.abort())).toBeUndefined();
    expect(queue.length).toBe(1);
  });

  it('I-180: any number of workers may wait with one signal, without a warning of a leak', async () => {
    const queue = new WorkQueue();
    const { signal } = new AbortController();
    const warned = await warningsOf(() => {
      for (let worker = 0; worker < 20; worker++) void queue.get(signal);
    });
    expect(warned).toEqual([]);
    queue.shutDown();
  });

  it('leaves no listener on a signal that outlives its gets', async () => {
    const queue = new WorkQueue();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const got = queue.get(signal);
    queue.add('a');
    await got;
    await settle();
    expect(removed.mock.calls.map((call) => call[1])).toEqual(added.mock.calls.map((call) => call[1]));
    expect(added).toHaveBeenCalledOnce();
  });

  it('tells its listeners of each key that nobody waits for, and lets them take it at once', async () => {
    const queue = new WorkQueue();
    const taken: (string | undefined)[] = [];
    const stop = queue.onReady(() => taken.push(queue.tryGet()));
    queue.add('a');
    queue.add('a');
    expect(taken).toEqual(['a']);
    queue.done('a');
    expect(taken).toEqual(['a', 'a']);
    stop();
    queue.done('a');
    queue.add('b');
    expect(taken).toEqual(['a', 'a']);
  });

  it('keeps a listener that throws away from the add and from the other listeners', async () => {
    const queue = new WorkQueue();
    const escaped: unknown[] = [];
    const realListeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => escaped.push(error));
    try {
      const told = vi.fn<() => void>();
      queue.onReady(() => {
        throw new Error('a broken listener');
      });
      queue.onReady(told);
      queue.add('a');
      expect(told).toHaveBeenCalledOnce();
      await settle();
      expect(escaped).toEqual([new Error('a broken listener')]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of realListeners) process.on('uncaughtException', listener);
    }
  });
});

describe('failures', () => {
  it('I-33: clears nothing but the failure count on forget', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addRateLimited('delayed');
    queue.add('ready');
    queue.add('held');
    for (const key of ['delayed', 'ready', 'held']) queue.forget(key);
    expect([queue.waiting, queue.length, queue.failures('delayed')]).toEqual([1, 2, 0]);
    expect(takeAll(queue)).toEqual(['ready', 'held']);
    queue.forget('held');
    queue.add('held');
    expect(queue.tryGet()).toBeUndefined();
    queue.done('held');
    await clock.advance(5);
    expect(takeAll(queue)).toEqual(['held', 'delayed']);
  });

  it('I-39: counts rate-limited adds as failures, and no other adds', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a');
    queue.addAfter('a', 100);
    queue.add('a', { delayMs: 50 });
    expect(queue.failures('a')).toBe(0);
    queue.addRateLimited('a');
    queue.addRateLimited('a');
    expect(queue.failures('a')).toBe(2);
  });

  it('I-45: counts a rate-limited add of a key that is ready, and does not put it off', () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add('a');
    queue.addRateLimited('a');
    expect([queue.failures('a'), queue.length, queue.waiting]).toEqual([1, 1, 0]);
  });

  it('tries a failing key again after the delays of its limiter', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const at: number[] = [];
    queue.onReady(() => at.push(clock.now()));
    queue.add('a');
    for (let attempt = 0; attempt < 4; attempt++) {
      const key = queue.tryGet()!;
      queue.addRateLimited(key);
      queue.done(key);
      await clock.advance(1000);
    }
    expect(at).toEqual([0, 5, 1010, 2020, 3040]);
  });

  it('refuses a delay of its limiter that is not a finite number, naming the key', () => {
    const never = { when: () => NaN, forget: () => {}, failures: () => 0 };
    const queue = new WorkQueue({ rateLimiter: never });
    expect(() => queue.addRateLimited('a')).toThrow(/Invalid.*"a".*finite number.*NaN/);
    expect(() => queue.addAfter('a', Infinity)).toThrow(/Invalid.*Infinity/);
  });
});

describe('what a queue says', () => {
  const errorOf = (call: () => void): unknown => {
    try {
      call();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('of a delay or a priority that can not be: what, of which key, and what was given', () => {
    const queue = new WorkQueue();
    expect(errorOf(() => queue.addAfter('a', Infinity))).toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('the delay of key "a" must be a finite number') as string,
      details: { key: 'a' },
    });
    expect(errorOf(() => queue.add('b', { priority: 1.5 }))).toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('the priority of key "b" must be an integer, but 1.5 was given') as string,
      details: { key: 'b' },
    });
    expect(queue.inspect()).toEqual([]);
  });

  it('of a key of which nothing was noted: priority 0, no age and no causes', () => {
    const queue = new WorkQueue();
    queue.add('a');
    const nothing = { priority: 0, failures: 0, ageMs: undefined, causes: [] };
    expect(queue.look('a')).toEqual({ key: 'a', state: 'ready', readyInMs: 0, ...nothing });
    queue.tryGet();
    expect([queue.heldPriority('a'), queue.heldSince('a'), queue.heldCauses('a')]).toEqual([0, undefined, []]);
    expect(queue.inspect()).toEqual([{ key: 'a', state: 'processing', readyInMs: undefined, ...nothing }]);
  });

  it('of a key in processing: what it was handed out with, and when it was wanted first', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a', { priority: 3, cause: { type: 'manual' } });
    await clock.advance(5);
    queue.tryGet();
    await clock.advance(5);
    expect([queue.heldPriority('a'), queue.heldSince('a')]).toEqual([3, 0]);
    expect(queue.heldCauses('a')).toEqual([{ type: 'manual', count: 1 }]);
    expect(queue.look('a')).toMatchObject({ state: 'processing', priority: 3, ageMs: 10 });
  });

  it('I-43: a lower priority does not lower a key that waits, in whatever way', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    for (const key of ['ready', 'again', 'delayed']) queue.add(key, key === 'delayed' ? { delayMs: 10 } : undefined);
    const held = [queue.tryGet(), queue.tryGet()];
    expect(held).toEqual(['ready', 'again']);
    queue.done('ready');
    queue.add('ready');
    queue.add('again');
    for (const key of ['ready', 'again', 'delayed']) queue.add(key, { priority: -7 });
    expect(['ready', 'again', 'delayed'].map((key) => queue.look(key)!.priority)).toEqual([0, 0, 0]);
    queue.add('new', { priority: -7 });
    expect(queue.look('new')!.priority).toBe(-7);
  });
});
