import { describe, expect, it } from 'vitest';
import { held, started } from '../../../../test/harness/started-controller.ts';

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
