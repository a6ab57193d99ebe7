import { describe, expect, it } from 'vitest';
import { started } from '../../../../test/harness/started-controller.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { type Reconciler, type Result, terminal } from './reconciler.ts';

function forbidden(): never {
  throw new Error('not to be looked at');
}

describe('how an attempt ends', () => {
  it('I-55: success forgets earlier failures and asks for nothing', async () => {
    let fail = true;
    const { controller, clock, stop, metric } = await started(() => {
      if (fail) throw new Error('first');
    });
    controller.queue.add('a');
    await settle();
    expect(controller.queue.failures('a')).toBe(1);
    fail = false;
    await clock.advance(5);
    expect(controller.queue.failures('a')).toBe(0);
    expect(controller.queue.waiting).toBe(0);
    expect(metric('controller_runtime_reconcile_total{controller="test",result="success"}')).toBe(1);
    await stop();
  });

  it('I-55: requeueAfterMs forgets failures and runs again after exactly that time', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop, metric } = await started(
      () => {
        runs.push(clock.now());
        if (runs.length === 1) throw new Error('first');
        return runs.length === 2 ? { requeueAfterMs: 60_000 } : undefined;
      },
      { clock },
    );
    controller.queue.add('a');
    await clock.advance(5);
    expect(controller.queue.failures('a')).toBe(0);
    await clock.advance(60_000);
    expect(runs).toEqual([0, 5, 60_005]);
    expect(metric('controller_runtime_reconcile_total{controller="test",result="requeue_after"}')).toBe(1);
    await stop();
  });

  it('I-55: a requeueAfterMs of zero or below is success', async () => {
    for (const requeueAfterMs of [0, -1]) {
      const { controller, clock, reports, stop } = await started(() => ({ requeueAfterMs }));
      controller.queue.add('a');
      await clock.advance(10_000);
      expect(reports.map((report) => report.outcome.type)).toEqual(['success']);
      await stop();
    }
  });

  it('F-101: a reconcile that always asks to run at once is slowed down to a floor, and others get their turn', async () => {
    let others = 0;
    const { controller, clock, reports, stop } = await started(({ key }) => {
      if (key !== 'hot') return void others++;
      return { requeueAfterMs: 0.001 };
    });
    controller.queue.add('hot');
    for (let i = 0; i < 10; i++) controller.queue.add(`cold-${i}`);
    await clock.advance(1000);
    expect(others).toBe(10);
    expect(reports.filter((report) => report.key === 'hot').length).toBe(101);
    await stop();
  });

  it('requeue: true runs again later and later, without being a failure', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop, metric, lines } = await started(
      () => {
        runs.push(clock.now());
        return { requeue: runs.length < 5 };
      },
      { clock },
    );
    controller.queue.add('a');
    await clock.advance(1000);
    expect(runs).toEqual([0, 5, 15, 35, 75]);
    expect(metric('controller_runtime_reconcile_errors_total{controller="test"}')).toBe(0);
    expect(metric('controller_runtime_reconcile_total{controller="test",result="requeue"}')).toBe(4);
    expect(lines.filter((line) => line.level === 'error')).toEqual([]);
    await stop();
  });

  it('I-53: an error is retried with growing delays and never forgotten', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop } = await started(
      (_request, { attempt }) => {
        runs.push(clock.now());
        expect(attempt).toBe(runs.length);
        throw new Error('again');
      },
      { clock },
    );
    controller.queue.add('a');
    await clock.advance(700);
    expect(runs).toEqual([0, 5, 15, 35, 75, 155, 315, 635]);
    expect(controller.queue.failures('a')).toBe(8);
    await stop();
  });

  it('I-54: a terminal error is counted as both, not retried, and a later event tries again', async () => {
    const { controller, clock, reports, metric, stop } = await started(() => {
      throw new Error('wrapped', { cause: terminal(new Error('port is taken')) });
    });
    controller.queue.add('a');
    await clock.advance(2_000_000);
    expect(reports).toHaveLength(1);
    expect(metric('controller_runtime_reconcile_errors_total{controller="test"}')).toBe(1);
    expect(metric('controller_runtime_terminal_reconcile_errors_total{controller="test"}')).toBe(1);
    controller.queue.add('a');
    await settle();
    expect(reports).toHaveLength(2);
    await stop();
  });

  const thrown: [string, unknown, boolean][] = [
    ['an Error', new Error('plain'), false],
    ['a string', 'just text', true],
    ['null', null, true],
    ['undefined', undefined, true],
    ['a number', 7, true],
    ['an object', { secret: 'hunter2' }, true],
    ['a TypeError', new TypeError('x is not a function'), true],
    ['a TypeError of fetch', new TypeError('fetch failed', { cause: new Error('ECONNREFUSED') }), false],
    ['a SetpointError', new SetpointError('Unavailable', 'no endpoint'), false],
  ];
  it('F-97: what lets nobody look at it is a failure like any other', async () => {
    const unreadable: readonly unknown[] = [
      new Proxy({}, { get: forbidden, has: forbidden, getPrototypeOf: forbidden }),
      Object.defineProperty(new Error('x'), 'cause', { get: forbidden }),
    ];
    for (const thrown of unreadable) {
      let runs = 0;
      const { controller, clock, metric, lines, stop } = await started(() => {
        runs++;
        throw thrown;
      });
      controller.queue.add('ns/a');
      await settle();
      await clock.advance(5);
      expect(runs).toBe(2);
      expect(metric('controller_runtime_reconcile_panics_total{controller="test"}')).toBe(2);
      const keys = lines.filter(({ level }) => level === 'error').map(({ fields }) => fields['key']);
      expect(keys).toEqual(['ns/a', 'ns/a']);
      await stop();
    }
  });

  it.each(thrown)(
    'F-97 I-57 I-58: %s, thrown or rejected, becomes the same retried error',
    async (_what, value, panic) => {
      const throws: Reconciler = () => {
        throw value;
      };
      for (const reconcile of [
        throws,
        async () => throws({ key: '', causes: [] }, {} as never),
        () => Promise.reject(value),
      ]) {
        const { controller, clock, reports, metric, lines, stop } = await started(reconcile);
        controller.queue.add('ns/a');
        await settle();
        expect(reports[0]!.outcome).toEqual({ type: 'error', error: value, terminal: false, panic });
        expect(metric('controller_runtime_reconcile_panics_total{controller="test"}')).toBe(panic ? 1 : 0);
        expect(lines.filter((line) => line.level === 'error').map((line) => line.fields['key'])).toEqual(['ns/a']);
        expect(JSON.stringify(lines)).not.toContain('hunter2');
        await clock.advance(5);
        expect(reports).toHaveLength(2);
        await stop();
      }
    },
  );

  it.each([
    ['a number', 5, /number/],
    ['NaN', { requeueAfterMs: Number.NaN }, /NaN/],
    ['a text delay', { requeueAfterMs: '5s' }, /string/],
    ['a misspelt field', { requeueAfter: 5 }, /requeueAfter'/],
    ['a text flag', { requeue: 'yes' }, /boolean/],
  ])('a result that is %s is a failure that says so', async (_what, result, message) => {
    const { controller, reports, stop } = await started((() => result) as never);
    controller.queue.add('a');
    await settle();
    expect(reports[0]!.outcome).toMatchObject({ type: 'error', error: { code: 'Invalid' } });
    expect((reports[0]!.outcome as { error: Error }).error.message).toMatch(message);
    await stop();
  });

  it('I-56: releases the key exactly once on every path', async () => {
    const endings: Record<string, Reconciler> = {
      success: () => {},
      'sync throw': () => {
        throw new Error('x');
      },
      rejection: () => Promise.reject(new Error('x')),
      terminal: () => Promise.reject(terminal('x')),
      requeue: () => ({ requeue: true }),
      requeueAfter: () => ({ requeueAfterMs: 50 }),
      'bad result': (() => 7) as never,
      'time-out': (_request, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    };
    for (const [name, reconcile] of Object.entries(endings)) {
      const { controller, clock, abort, run } = await started(reconcile, { timeoutMs: 20 });
      const released: string[] = [];
      const done = controller.queue.done.bind(controller.queue);
      controller.queue.done = (key) => {
        released.push(key);
        done(key);
      };
      controller.pause();
      controller.queue.add('a');
      controller.resume();
      await clock.advance(name === 'time-out' ? 20 : 0);
      expect([name, released]).toEqual([name, ['a']]);
      abort.abort();
      await run;
    }
  });

  it('what a listener throws is logged and changes nothing', async () => {
    const { controller, lines, stop } = await started(() => {}, {
      onReconciled: () => {
        throw new Error('observer');
      },
    });
    controller.queue.add('a');
    controller.queue.add('b');
    await settle();
    expect(lines.filter((line) => line.message === 'a listener failed')).toHaveLength(2);
    await stop();
  });
});

describe('what a repetition is', () => {
  it('I-39: kubernetes #132805: events that run a failing key before its time leave its delays at 5 ms · 2ⁿ', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop } = await started(
      () => {
        runs.push(clock.now());
        throw new Error('the webhook is down');
      },
      { clock },
    );
    controller.enqueue('rs');
    // An event each 10 ms for 5 s: each runs the key at once, and fails.
    for (let i = 1; i <= 500; i++) {
      await clock.advance(10);
      controller.enqueue('rs');
    }
    await settle();
    expect(runs.length).toBeGreaterThan(500);
    // 5 + 10 + … + 2560 ms have passed: ten delays, where counting each failure would have come to 1000 s at the 19th.
    expect(controller.queue.failures('rs')).toBe(10);
    expect(controller.explain('rs').queued!.readyInMs).toBeLessThanOrEqual(2560);
    await stop();
  });

  it('I-39: kubernetes #132805: the retries themselves come at exactly those times', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop } = await started(
      () => {
        runs.push(clock.now());
        throw new Error('again');
      },
      { clock },
    );
    controller.enqueue('rs');
    await clock.advance(0);
    for (const at of [2, 7, 20, 21, 22, 50]) {
      await clock.advance(at - clock.now());
      controller.enqueue('rs');
      await settle();
    }
    await clock.advance(700 - clock.now());
    const early = new Set([2, 7, 20, 21, 22, 50]);
    expect(runs.filter((at) => !early.has(at))).toEqual([0, 5, 15, 35, 75, 155, 315, 635]);
    expect(controller.queue.failures('rs')).toBe(8);
    await stop();
  });

  it('a success in between starts the delays over', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop } = await started(
      () => {
        runs.push(clock.now());
        if (runs.length !== 4) throw new Error('again');
      },
      { clock },
    );
    controller.enqueue('a');
    await clock.advance(20);
    controller.enqueue('a');
    await clock.advance(1);
    expect(controller.queue.failures('a')).toBe(0);
    controller.enqueue('a');
    await clock.advance(5);
    expect(runs).toEqual([0, 5, 15, 20, 21, 26]);
    await stop();
  });

  it('an error that says when to come back is not tried before, and counts as any failure', async () => {
    const runs: number[] = [];
    const clock = new FakeClock();
    const { controller, stop } = await started(
      () => {
        runs.push(clock.now());
        const busy = new SetpointError('TooManyRequests', 'busy', { details: { retryAfterMs: 700 } });
        throw runs.length < 3 ? new Error('wrapped', { cause: busy }) : new Error('plain');
      },
      { clock },
    );
    controller.enqueue('a');
    await clock.advance(1419);
    expect(runs).toEqual([0, 700, 1400]);
    await clock.advance(1);
    expect(runs).toEqual([0, 700, 1400, 1420]);
    await stop();
  });

  it.each([0, -5, Number.NaN, Infinity])(
    'an error that says to come back after %d ms is an ordinary one',
    async (ms) => {
      const { controller, clock, reports, stop } = await started(() => {
        throw new SetpointError('Unavailable', 'x', { details: { retryAfterMs: ms } });
      });
      controller.enqueue('a');
      await clock.advance(5);
      expect(reports).toHaveLength(2);
      await stop();
    },
  );

  it('I-49: keeps the priority that the key was handed out with, unless the result names one', async () => {
    const priorities: number[] = [];
    const results: (() => Result)[] = [
      () => ({ requeue: true }),
      () => ({ requeueAfterMs: 10 }),
      () => {
        throw new Error('x');
      },
      () => ({ requeueAfterMs: 10, priority: 7 }),
      () => ({ requeue: true, priority: -3 }),
      () => ({}),
    ];
    const { controller, clock, stop } = await started(({ key }) => {
      priorities.push(controller.queue.heldPriority(key));
      return results.shift()!();
    });
    controller.queue.add('a', { priority: -100 });
    await clock.advance(1000);
    expect(priorities).toEqual([-100, -100, -100, -100, 7, -3]);
    await stop();
  });

  it('I-184: says why it is made', async () => {
    const causes: unknown[] = [];
    const results: (() => Result)[] = [
      () => ({ requeue: true }),
      () => {
        throw new Error('x');
      },
      () => ({ requeueAfterMs: 10 }),
      () => ({}),
    ];
    const { controller, clock, stop } = await started((request) => {
      causes.push(...request.causes);
      return results.shift()!();
    });
    controller.enqueue('a');
    await clock.advance(1000);
    expect(causes).toEqual([
      { type: 'manual', count: 1 },
      { type: 'requeue', count: 1 },
      { type: 'retry', failure: 2, count: 1 },
      { type: 'requeue', count: 1 },
    ]);
    await stop();
  });

  it.each([1.5, Number.NaN, '5'])('refuses the priority %s of a result', async (priority) => {
    const { controller, reports, stop } = await started((() => ({ requeue: true, priority })) as never);
    controller.enqueue('a');
    await settle();
    expect(reports[0]!.outcome).toMatchObject({ type: 'error', error: { code: 'Invalid' } });
    await stop();
  });
});
