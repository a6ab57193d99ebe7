import { describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import type { Logger } from '../internal/logger.ts';
import { createMetrics } from '../internal/metrics.ts';
import { seededRandom } from '../internal/random.ts';
import type { Source, SourceSink } from '../source/index.ts';
import { exponentialLimiter } from '../workqueue/index.ts';
import { Controller } from './controller.ts';
import type { ControllerOptions, ReconcileReport } from './controller-options.ts';
import { type Reconciler, terminal } from './reconciler.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

function recordingLogger(lines: Line[], bound: object = {}): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  };
}

/** A source that is synced at once and fed by the test. */
function manualSource(): Source & { sink?: SourceSink; signal?: AbortSignal } {
  const source: Source & { sink?: SourceSink; signal?: AbortSignal } = {
    name: 'manual',
    start(sink, signal) {
      source.sink = sink;
      source.signal = signal;
      return Promise.resolve();
    },
  };
  return source;
}

async function started(reconcile: Reconciler, options: Partial<ControllerOptions> = {}) {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const reports: ReconcileReport[] = [];
  const metrics = createMetrics();
  const abort = new AbortController();
  const controller = new Controller({
    name: 'test',
    sources: [manualSource()],
    reconcile,
    clock,
    random: seededRandom(1),
    rateLimiter: exponentialLimiter(),
    logger: recordingLogger(lines),
    metrics,
    onReconciled: (report) => void reports.push(report),
    ...options,
  });
  const run = controller.run(abort.signal);
  await controller.ready();
  const metric = (series: string): number => {
    const line = metrics
      .render()
      .split('\n')
      .find((each) => each.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no metric ${series}`);
    return Number(line.slice(series.length + 1));
  };
  const stop = async (): Promise<void> => {
    abort.abort();
    await run;
  };
  return { clock, lines, reports, metric, abort, controller, run, stop };
}

/** A reconciler whose calls the test ends one by one. */
function held() {
  const calls: { key: string; signal: AbortSignal; end: Deferred<void> }[] = [];
  const reconcile: Reconciler = ({ key }, { signal }) => {
    const end = deferred();
    calls.push({ key, signal, end });
    return end.promise;
  };
  const end = async (key: string): Promise<void> => {
    calls
      .splice(
        calls.findIndex((call) => call.key === key),
        1,
      )[0]!
      .end.resolve();
    await settle();
  };
  const keys = (): string[] => calls.map((call) => call.key);
  return { calls, reconcile, end, keys };
}

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
  it.each(thrown)(
    'F-97 I-57 I-58: %s, thrown or rejected, becomes the same retried error',
    async (_what, value, panic) => {
      const throws: Reconciler = () => {
        throw value;
      };
      for (const reconcile of [throws, async () => throws({ key: '' }, {} as never), () => Promise.reject(value)]) {
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

describe('the time-out', () => {
  it('F-98 I-59: a reconcile that never returns is asked to stop after 30 s, loses its worker 5 s later, and keeps its key', async () => {
    const stuck = held();
    const others: string[] = [];
    const { controller, clock, metric, lines, abort, run } = await started((request, attempt) =>
      request.key === 'stuck' ? stuck.reconcile(request, attempt) : void others.push(request.key),
    );
    controller.queue.add('stuck');
    controller.queue.add('other');
    await clock.advance(29_999);
    expect(stuck.calls[0]!.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(stuck.calls[0]!.signal.reason).toMatchObject({ code: 'Timeout' });
    expect(metric('controller_runtime_reconcile_timeouts_total{controller="test"}')).toBe(1);
    expect(others).toEqual([]);
    await clock.advance(5000);
    expect(others).toEqual(['other']);
    expect(metric('setpoint_overdue_reconciles{controller="test"}')).toBe(1);
    expect(lines.find((line) => line.level === 'error')).toMatchObject({ fields: { key: 'stuck', afterMs: 35_000 } });

    controller.queue.add('stuck');
    await clock.advance(3_600_000);
    expect(stuck.keys()).toEqual(['stuck']);
    await stuck.end('stuck');
    expect(stuck.keys()).toEqual(['stuck']);
    expect(metric('setpoint_overdue_reconciles{controller="test"}')).toBe(0);
    expect(metric('controller_runtime_reconcile_total{controller="test",result="success"}')).toBe(2);
    abort.abort();
    await stuck.end('stuck');
    await run;
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-59: one that stops when asked to is a failure that is tried again', async () => {
    const { controller, clock, reports, stop } = await started(
      (_request, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      { timeoutMs: 100 },
    );
    controller.queue.add('a');
    await clock.advance(100);
    expect(reports).toMatchObject([{ timedOut: true, outcome: { type: 'error', error: { code: 'Timeout' } } }]);
    await clock.advance(105);
    expect(reports).toHaveLength(2);
    await stop();
  });

  it('Infinity means no limit', async () => {
    const { reconcile, calls, end } = held();
    const { controller, clock, stop } = await started(reconcile, { timeoutMs: Infinity });
    controller.queue.add('a');
    await clock.advance(86_400_000);
    expect(calls[0]!.signal.aborted).toBe(false);
    await end('a');
    await stop();
  });
});

describe('start and stop', () => {
  it('I-60: starts all sources, waits until each is synced, and only then reconciles', async () => {
    const synced = deferred();
    const slow: Source = {
      name: 'slow',
      start: (sink) => {
        sink.enqueue('early');
        return synced.promise;
      },
    };
    const keys: string[] = [];
    const clock = new FakeClock();
    const controller = new Controller({
      name: 'test',
      sources: [manualSource(), slow],
      reconcile: ({ key }) => void keys.push(key),
      clock,
    });
    const abort = new AbortController();
    const run = controller.run(abort.signal);
    await clock.advance(60_000);
    expect(controller.queue.length).toBe(1);
    expect(keys).toEqual([]);
    synced.resolve();
    await settle();
    expect(keys).toEqual(['early']);
    abort.abort();
    await run;
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-61: fails after two minutes naming the kind that did not sync, and stops the sources that did', async () => {
    const clock = new FakeClock();
    const quick = manualSource();
    const never: Source = { name: 'Website', start: () => new Promise(() => {}) };
    const controller = new Controller({ name: 'test', sources: [quick, never], reconcile: () => {}, clock });
    const run = controller.run(new AbortController().signal).catch((error: unknown) => error);
    await clock.advance(119_999);
    expect(quick.signal!.aborted).toBe(false);
    await clock.advance(1);
    const error = (await run) as SetpointError;
    expect(error).toMatchObject({ code: 'Timeout' });
    expect(error.message).toContain('Website');
    expect(error.message).not.toContain('manual');
    expect(quick.signal!.aborted).toBe(true);
    await expect(controller.ready()).rejects.toBe(error);
    expect(clock.pendingTimers).toBe(0);
  });

  it('a source that can not start fails the controller with its own error', async () => {
    const broken = new Error('no such thing');
    const source: Source = { name: 'broken', start: () => Promise.reject(broken) };
    const controller = new Controller({ name: 'test', sources: [source], reconcile: () => {} });
    await expect(controller.run(new AbortController().signal)).rejects.toBe(broken);
  });

  it('I-62: starting twice is an error, and a source that is added later starts at once', async () => {
    const keys: string[] = [];
    const { controller, stop } = await started(({ key }) => void keys.push(key));
    await expect(controller.run(new AbortController().signal)).rejects.toMatchObject({ code: 'Invalid' });
    const late = manualSource();
    await controller.watch(late);
    late.sink!.enqueue('late');
    await settle();
    expect(keys).toEqual(['late']);
    await stop();
    expect(late.signal!.aborted).toBe(true);
  });

  it('stopping aborts what runs, waits for it, drops what is queued, and leaves nothing behind', async () => {
    const { reconcile, calls, keys, end } = held();
    const { controller, clock, abort, run, lines } = await started(reconcile, { concurrency: 2 });
    for (const key of ['a', 'b', 'c']) controller.queue.add(key);
    controller.queue.addAfter('d', 1000);
    await settle();
    let ended = false;
    void run.then(() => (ended = true));
    abort.abort(new SetpointError('Closed', 'stopping'));
    expect(calls.map((call) => (call.signal.reason as SetpointError).code)).toEqual(['Closed', 'Closed']);
    await end('a');
    calls[0]!.end.reject(new Error('aborted'));
    expect(ended).toBe(false);
    await run;
    expect(keys()).toEqual(['b']);
    expect(lines.filter((line) => line.level !== 'debug')).toEqual([]);
    expect(controller.queue.length + controller.queue.processing + controller.queue.waiting).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('X1: a hundred attempts and sources at once make no listener warning', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const { reconcile, keys, end } = held();
    const sources = Array.from({ length: 100 }, manualSource);
    const { controller, stop } = await started(reconcile, { concurrency: 100, sources });
    for (let i = 0; i < 100; i++) controller.queue.add(`k${i}`);
    await settle();
    expect(keys()).toHaveLength(100);
    for (const key of keys()) await end(key);
    await stop();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('stops while its sources are still syncing', async () => {
    const clock = new FakeClock();
    const source: Source = { name: 'never', start: () => new Promise(() => {}) };
    const controller = new Controller({ name: 'test', sources: [source], reconcile: () => {}, clock });
    const abort = new AbortController();
    const run = controller.run(abort.signal);
    await settle();
    abort.abort();
    await run;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('what it tells', () => {
  it('I-64: every metric is there, at 0, from the start', async () => {
    const { metric, stop } = await started(() => {});
    for (const result of ['error', 'requeue_after', 'requeue', 'success']) {
      expect(metric(`controller_runtime_reconcile_total{controller="test",result="${result}"}`)).toBe(0);
    }
    for (const name of [
      'reconcile_errors_total',
      'terminal_reconcile_errors_total',
      'reconcile_panics_total',
      'reconcile_timeouts_total',
      'active_workers',
      'reconcile_time_seconds_count',
    ]) {
      expect(metric(`controller_runtime_${name}{controller="test"}`)).toBe(0);
    }
    expect(metric('controller_runtime_max_concurrent_reconciles{controller="test"}')).toBe(1);
    await stop();
  });

  it('I-65: every attempt has an id of its own, in each of its log lines', async () => {
    const ids: string[] = [];
    const { controller, lines, stop } = await started((_request, { reconcileId, logger }) => {
      ids.push(reconcileId);
      logger.info({}, 'hello');
    });
    for (const key of ['a', 'b', 'c']) controller.queue.add(key);
    await settle();
    expect(new Set(ids).size).toBe(3);
    expect(lines.map((line) => line.fields)).toEqual(
      ['a', 'b', 'c'].map((key, index) => ({ controller: 'test', key, reconcileId: ids[index] })),
    );
    await stop();
  });

  it('F-107: a flood of long errors makes few, short log lines, and says how many were left out', async () => {
    const { controller, clock, lines, metric, stop } = await started(({ key }) => {
      throw terminal(new Error(`${key} ${'x'.repeat(100_000)}`));
    });
    for (let i = 0; i < 5000; i++) controller.queue.add(`k${i}`);
    await settle();
    await clock.advance(0);
    expect(metric('controller_runtime_reconcile_errors_total{controller="test"}')).toBe(5000);
    expect(lines).toHaveLength(100);
    expect(Math.max(...lines.map((line) => JSON.stringify(line).length))).toBeLessThan(10_000);
    await clock.advance(1000);
    controller.queue.add('later');
    await settle();
    expect(lines[100]!.fields['suppressed']).toBe(4900);
    await stop();
  });

  it('refuses options that can not work', () => {
    const source = manualSource();
    const make = (options: Partial<ControllerOptions>) => () =>
      new Controller({ name: 'test', sources: [source], reconcile: () => {}, ...options });
    expect(make({ name: '' })).toThrow('Invalid');
    expect(make({ concurrency: 1.5 })).toThrow(/concurrency.*1\.5/);
    expect(make({ timeoutMs: 0 })).toThrow(/timeoutMs.*got 0/);
    expect(make({ graceMs: Number.NaN })).toThrow(/graceMs.*NaN/);
  });
});
