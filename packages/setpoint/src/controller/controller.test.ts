import { describe, expect, it } from 'vitest';
import { held, manualSource, started } from '../../../../test/harness/started-controller.ts';
import { SetpointError } from '../errors/index.ts';
import { deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import type { Source } from '../source/index.ts';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller-options.ts';
import { type Reconciler, terminal } from './reconciler.ts';

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
    const reconcile: Reconciler = ({ key }) => {
      throw terminal(new Error(`${key} ${'x'.repeat(20_000)}`));
    };
    // Without a list of reports, which would hold every error.
    const { controller, clock, lines, metric, stop } = await started(reconcile, { onReconciled: () => {} });
    for (let i = 0; i < 2000; i++) controller.queue.add(`k${i}`);
    await settle();
    await clock.advance(0);
    expect(metric('controller_runtime_reconcile_errors_total{controller="test"}')).toBe(2000);
    expect(lines).toHaveLength(100);
    expect(Math.max(...lines.map((line) => JSON.stringify(line).length))).toBeLessThan(10_000);
    await clock.advance(1000);
    controller.queue.add('later');
    await settle();
    expect(lines[100]!.fields['suppressed']).toBe(1900);
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
