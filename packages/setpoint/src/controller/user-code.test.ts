import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { held, manualSource, started } from '../../../../test/harness/started-controller.ts';
import { systemClock } from '../internal/clock.ts';
import { deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';

describe('faults of user code', () => {
  it('F-98: reconciles that never return hold up their own keys alone, and are told of', async () => {
    const ran: string[] = [];
    const { reconcile, end } = held();
    const { controller, clock, metric, lines, stop } = await started(
      (request, attempt) => {
        ran.push(request.key);
        return request.key.startsWith('stuck') ? reconcile(request, attempt) : undefined;
      },
      { concurrency: 2 },
    );
    const overdue: string[] = [];
    controller.on('overdue', ({ key }) => overdue.push(key));
    for (const key of ['stuck-1', 'stuck-2', 'free-1', 'free-2']) controller.enqueue(key);
    await clock.advance(34_999);
    expect(ran).toEqual(['stuck-1', 'stuck-2']);
    await clock.advance(1);
    controller.enqueue('stuck-1');
    await settle();
    expect(ran).toEqual(['stuck-1', 'stuck-2', 'free-1', 'free-2']);
    expect(overdue).toEqual(['stuck-1', 'stuck-2']);
    expect(metric('setpoint_overdue_reconciles{controller="test"}')).toBe(2);
    expect(lines.filter(({ level }) => level === 'error').map(({ fields }) => fields['key'])).toEqual(overdue);
    await end('stuck-1');
    expect(ran.at(-1)).toBe('stuck-1');
    expect(metric('setpoint_overdue_reconciles{controller="test"}')).toBe(1);
    for (const key of ['stuck-2', 'stuck-1']) await end(key);
    await stop();
  });

  it('F-103: a reconcile that blocks the event loop for 500 ms is named with its controller and key, and counted', async () => {
    /** Time that passes while nothing else can run. */
    class BlockedClock extends FakeClock {
      blockedMs = 0;
      override now(): number {
        return super.now() + this.blockedMs;
      }
    }
    const clock = new BlockedClock();
    const { controller, lines, metric, stop } = await started(
      ({ key }) => void (clock.blockedMs += key === 'slow' ? 500 : 199),
      { clock },
    );
    for (const key of ['quick', 'slow']) controller.enqueue(key);
    await settle();
    await clock.advance(1);
    await settle();
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      {
        fields: { controller: 'test', key: 'slow', blockedMs: 500 },
        message: expect.stringContaining('event loop') as string,
      },
    ]);
    expect(metric('setpoint_blocking_reconciles_total{controller="test"}')).toBe(1);
    await stop();
  });

  it('F-103: one that does so after an await is among the keys that are named, each once, and is counted', async () => {
    const waiting = deferred();
    let again = 3;
    const { controller, lines, metric, stop } = await started(
      async ({ key }) => {
        if (key === 'quick') return void (again-- > 0 && controller.enqueue('quick'));
        await (key === 'waits' ? waiting.promise : setImmediate());
        if (key === 'computes') for (const end = performance.now() + 450; performance.now() < end;);
      },
      { clock: systemClock, concurrency: 3 },
    );
    for (const key of ['waits', 'quick', 'computes']) controller.enqueue(key);
    await vi.waitFor(() => expect(lines.some(({ message }) => message.includes('stood still'))).toBe(true), 10_000);
    const [{ fields }] = lines.filter(({ level }) => level === 'warn') as [(typeof lines)[0]];
    expect(fields['stalledMs']).toBeGreaterThanOrEqual(200);
    expect((fields['keys'] as string[]).toSorted()).toEqual(['computes', 'quick', 'waits']);
    expect(metric('setpoint_event_loop_stalls_total{controller="test"}')).toBe(1);
    expect(metric('setpoint_blocking_reconciles_total{controller="test"}')).toBe(0);
    waiting.resolve();
    await stop();
  });

  it('F-103: what the first stretch of a reconcile took is told once, by its key, and by no other controller', async () => {
    const { controller, lines, stop } = await started(
      async () => {
        for (const end = performance.now() + 450; performance.now() < end;);
        await sleep(250);
      },
      { clock: systemClock },
    );
    const waiting = deferred();
    const other = await started(() => waiting.promise, { clock: systemClock });
    other.controller.enqueue('waits');
    controller.enqueue('computes');
    await vi.waitFor(() => expect(controller.explain('computes').state).toBe('idle'), 10_000);
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { key: 'computes' } }]);
    expect(other.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    waiting.resolve();
    await Promise.all([stop(), other.stop()]);
  });

  it('F-97: one that throws each time keeps no other key from the worker', async () => {
    const ran: string[] = [];
    const { controller, clock, stop } = await started(({ key }) => {
      ran.push(key);
      if (key === 'bad') throw null;
    });
    controller.enqueue('bad');
    for (let i = 0; i < 50; i++) controller.enqueue(`good-${i}`);
    await clock.advance(0);
    expect(ran).toHaveLength(51);
    expect(controller.explain('bad')).toMatchObject({ state: 'delayed', queued: { failures: 1 } });
    await stop();
  });
});

describe('what user code answers that makes no sense', () => {
  it('F-97: a requeueAfterMs of Infinity is a failure that says so, and is tried again', async () => {
    const answers: (number | undefined)[] = [Infinity, undefined];
    const { controller, clock, reports, lines, stop } = await started(() => ({ requeueAfterMs: answers.shift() ?? 0 }));
    controller.enqueue('a');
    await clock.advance(5);
    expect(reports.map(({ outcome }) => outcome.type)).toEqual(['error', 'success']);
    expect(JSON.stringify(lines)).toMatch(/finite number of milliseconds.*got Infinity/);
    await stop();
  });

  it.each([
    ['throws', () => JSON.parse('no') as number],
    ['says NaN', () => Number.NaN],
  ])('F-97: a rate limiter that %s is logged, and loses no key', async (_what, broken) => {
    let runs = 0;
    const failing = (): never => {
      runs++;
      throw new Error('x');
    };
    const rateLimiter = { when: broken, forget: broken, failures: () => 0 };
    const { controller, clock, lines, stop } = await started(failing, { rateLimiter });
    controller.enqueue('a');
    await clock.advance(2500);
    expect(runs).toBe(3);
    expect(lines.map(({ message }) => message)).toContain(
      'the rate limiter failed; its key is tried again after a while',
    );
    await stop();
  });

  it('F-106: what a source of its own enqueues has a cause, and what can not be a key is reported, not thrown at it', async () => {
    const source = manualSource();
    const seen: unknown[] = [];
    const { metric, stop } = await started(({ key, causes }) => void seen.push([key, causes]), { sources: [source] });
    for (const key of [5, 'a']) source.sink!.enqueue(key as string);
    await settle();
    expect(seen).toEqual([['a', [{ type: 'event', source: 'manual', count: 1 }]]]);
    expect(metric('setpoint_source_errors_total{controller="test",source="manual",stage="keys"}')).toBe(1);
    await stop();
  });
});

describe('starvation', () => {
  it('I-50: controller-runtime #3496: under an endless flood at priority 0, a key of -100 runs within 16 hand-outs', async () => {
    const ran: string[] = [];
    const { controller, stop } = await started(({ key }) => {
      ran.push(key);
      // Each run of the flood brings two more keys: there is always one of priority 0.
      if (key !== 'low' && ran.length < 1000)
        for (const suffix of ['a', 'b']) controller.enqueue(`${key.slice(0, 20)}${suffix}`);
    });
    controller.pause();
    for (let i = 0; i < 100; i++) controller.enqueue(`flood-${i}`);
    controller.queue.add('low', { priority: -100 });
    controller.resume();
    await settle();
    expect(ran.indexOf('low')).toBeGreaterThan(0);
    expect(ran.indexOf('low')).toBeLessThan(16);
    await stop();
  });

  it('I-183: a tenant that floods with 10,000 keys puts another one off by one hand-out for each of its keys', async () => {
    const ran: string[] = [];
    const { controller, stop } = await started(({ key }) => void ran.push(key));
    controller.pause();
    for (let i = 0; i < 10_000; i++) controller.enqueue(`noisy/${i}`);
    for (let i = 0; i < 10; i++) controller.enqueue(`quiet/${i}`);
    controller.resume();
    await settle();
    expect(ran.flatMap((key, index) => (key.startsWith('quiet') ? [index] : []))).toEqual(
      Array.from({ length: 10 }, (_, i) => 2 * i + 1),
    );
    await stop();
  });

  it('weights of fairness give a tenant more, and false takes keys as they come', async () => {
    const order = async (fairness: NonNullable<Parameters<typeof started>[1]>['fairness'] & ({} | false)) => {
      const ran: string[] = [];
      const { controller, stop } = await started(({ key }) => void ran.push(key), { fairness });
      controller.pause();
      for (let i = 0; i < 3; i++) controller.enqueue(`a/${i}`);
      for (let i = 0; i < 3; i++) controller.enqueue(`b/${i}`);
      controller.resume();
      await settle();
      await stop();
      return ran.map((key) => key[0]).join('');
    };
    expect(await order(false)).toBe('aaabbb');
    expect(await order({ flowOf: (key) => key[0]!, weightOf: (flow) => (flow === 'a' ? 2 : 1) })).toBe('aabab' + 'b');
  });
});
