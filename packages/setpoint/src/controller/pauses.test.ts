import { describe, expect, it } from 'vitest';
import { held, started } from '../../../../test/harness/started-controller.ts';
import { settle } from '../internal/fake-clock.ts';

describe('pausing a part', () => {
  it.each([
    ['a key', { key: 'blue/a' }, ['blue/b', 'red/a']],
    ['a namespace', { namespace: 'blue' }, ['red/a']],
  ])('I-186: hands out nothing of %s, everything else, and nothing is lost', async (_what, scope, allowed) => {
    const ran: string[] = [];
    const { controller, stop } = await started(({ key }) => void ran.push(key));
    controller.pause(scope);
    const add = () => ['blue/a', 'blue/b', 'red/a'].forEach((key) => controller.enqueue(key));
    add();
    await settle();
    add();
    await settle();
    expect(ran.splice(0).toSorted()).toEqual([...allowed, ...allowed].toSorted());
    expect(controller.explain('blue/a')).toMatchObject({
      state: 'paused',
      queued: { causes: [{ type: 'manual', count: 2 }] },
    });
    expect(controller.pausedScopes).toEqual([scope]);
    controller.resume(scope);
    await settle();
    expect(ran.toSorted()).toEqual(['blue/a', 'blue/b', 'red/a'].filter((key) => !allowed.includes(key)));
    expect(controller.pausedScopes).toEqual([]);
    await stop();
  });

  it('I-186: what was paused keeps its priority', async () => {
    const ran: string[] = [];
    const { reconcile, end } = held();
    const { controller, stop } = await started(({ key }, attempt) => {
      if (key === 'held') return reconcile({ key, causes: [] }, attempt);
      ran.push(key);
      return undefined;
    });
    controller.pause({ key: 'low' });
    controller.queue.add('low', { priority: -100 });
    await settle();
    controller.enqueue('held');
    controller.resume({ key: 'low' });
    controller.enqueue('plain');
    await settle();
    await end('held');
    expect(ran).toEqual(['plain', 'low']);
    await stop();
  });

  it('I-186: a running attempt goes on; resuming everything ends each pause', async () => {
    const { reconcile, keys, end } = held();
    const { controller, stop } = await started(reconcile, { concurrency: 3 });
    controller.enqueue('blue/a');
    await settle();
    controller.pause({ key: 'blue/a' });
    controller.pause({ namespace: 'blue' });
    controller.pause();
    expect(controller.paused).toBe(true);
    expect(keys()).toEqual(['blue/a']);
    controller.enqueue('blue/a');
    await end('blue/a');
    expect(keys()).toEqual([]);
    controller.resume();
    await settle();
    expect([controller.paused, controller.pausedScopes, keys()]).toEqual([false, [], ['blue/a']]);
    await end('blue/a');
    await stop();
  });

  it('I-186: a key that is paused twice waits for both, and a paused delay does not pass it by', async () => {
    const ran: string[] = [];
    const { controller, clock, stop } = await started(({ key }) => void ran.push(key));
    controller.pause({ key: 'blue/a' });
    controller.pause({ namespace: 'blue' });
    controller.queue.addAfter('blue/a', 1000);
    await clock.advance(2000);
    controller.resume({ namespace: 'blue' });
    await settle();
    expect(ran).toEqual([]);
    controller.resume({ key: 'blue/a' });
    await settle();
    expect(ran).toEqual(['blue/a']);
    await stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([[{}], [{ key: 5 }], [{ namespace: null }]])('refuses the scope %o', async (scope) => {
    const { controller, stop } = await started(() => {});
    expect(() => controller.pause(scope as never)).toThrow(/what to pause must be/);
    expect(controller.paused).toBe(false);
    await stop();
  });
});
