import { describe, expect, it } from 'vitest';
import { held, started } from '../../../../test/harness/started-controller.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';

describe('the worker pool', () => {
  it('I-52: works on one key at a time by default', async () => {
    const { reconcile, keys, end } = held();
    const { controller, stop } = await started(reconcile);
    for (const key of ['a', 'b', 'c']) controller.queue.add(key);
    await settle();
    expect(keys()).toEqual(['a']);
    await end('a');
    expect(keys()).toEqual(['b']);
    await end('b');
    await end('c');
    await stop();
  });

  it('I-52: never runs more than n at once, and never two of one key', async () => {
    const { reconcile, keys, end } = held();
    const { controller, stop } = await started(reconcile, { concurrency: 3 });
    for (const key of ['a', 'b', 'c', 'd']) controller.queue.add(key);
    controller.queue.add('a');
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c']);
    controller.queue.add('b');
    await end('a');
    expect(keys()).toEqual(['b', 'c', 'd']);
    await end('c');
    expect(keys()).toEqual(['b', 'd', 'a']);
    await end('b');
    expect(keys()).toEqual(['d', 'a', 'b']);
    for (const key of ['d', 'a', 'b']) await end(key);
    expect(keys()).toEqual([]);
    await stop();
  });

  it('I-52: concurrency can be changed while running', async () => {
    const { reconcile, keys, end } = held();
    const { controller, metric, stop } = await started(reconcile);
    for (const key of ['a', 'b', 'c', 'd']) controller.queue.add(key);
    controller.concurrency = 3;
    await settle();
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(metric('controller_runtime_max_concurrent_reconciles{controller="test"}')).toBe(3);
    expect(metric('controller_runtime_active_workers{controller="test"}')).toBe(3);
    controller.concurrency = 1;
    await end('a');
    await end('b');
    expect(keys()).toEqual(['c']);
    await end('c');
    expect(keys()).toEqual(['d']);
    expect(() => (controller.concurrency = 0)).toThrow('Invalid');
    await end('d');
    await stop();
  });

  it('I-181: reconciles that do no I/O let the rest of the process run in between', async () => {
    const rests: Deferred<void>[] = [];
    /** Each look at it takes a tenth of a millisecond; a rest lasts until the test ends it. */
    class BusyClock extends FakeClock {
      #looks = 0;
      override now(): number {
        return super.now() + this.#looks++ / 10;
      }
      override yield(): Promise<void> {
        const rest = deferred();
        rests.push(rest);
        return rest.promise;
      }
    }
    let runs = 0;
    const { controller, stop } = await started(() => void runs++, { clock: new BusyClock(), concurrency: 10 });
    for (let i = 0; i < 1000; i++) controller.queue.add(`k${i}`);
    let turns = 0;
    for (let before = -1; runs < 1000; turns++) {
      await settle();
      expect(runs).toBeGreaterThan(before);
      expect(runs - before).toBeLessThan(200);
      before = runs;
      if (runs < 1000) expect(rests).toHaveLength(1);
      rests.pop()?.resolve();
    }
    expect(turns).toBeGreaterThan(10);
    rests.pop()?.resolve();
    await stop();
  });

  it('hands out nothing while paused, loses nothing, and goes on when resumed', async () => {
    const { reconcile, keys, end } = held();
    const { controller, stop } = await started(reconcile);
    controller.queue.add('a');
    controller.queue.add('b');
    controller.pause();
    await settle();
    await end('a');
    expect(keys()).toEqual([]);
    expect(controller.queue.length).toBe(1);
    controller.resume();
    await settle();
    expect(keys()).toEqual(['b']);
    await end('b');
    await stop();
  });
});
