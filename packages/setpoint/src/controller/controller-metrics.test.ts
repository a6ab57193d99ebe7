import { expect, it } from 'vitest';
import { createMetrics } from '../internal/metrics.ts';
import { controllerMetrics } from './controller-metrics.ts';

function measured() {
  const registry = createMetrics();
  const metrics = controllerMetrics(registry, 'c');
  const series = (): Record<string, number> =>
    Object.fromEntries(
      registry
        .render()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_bucket'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  return { metrics, series };
}

it('every series of a controller is there from the start, at 0', () => {
  const { series } = measured();
  const all = series();
  expect(new Set(Object.values(all))).toEqual(new Set([0]));
  expect(Object.keys(all).toSorted()).toEqual([
    'controller_runtime_active_workers{controller="c"}',
    'controller_runtime_max_concurrent_reconciles{controller="c"}',
    'controller_runtime_reconcile_errors_total{controller="c"}',
    'controller_runtime_reconcile_panics_total{controller="c"}',
    'controller_runtime_reconcile_time_seconds_count{controller="c"}',
    'controller_runtime_reconcile_time_seconds_sum{controller="c"}',
    'controller_runtime_reconcile_timeouts_total{controller="c"}',
    'controller_runtime_reconcile_total{controller="c",result="error"}',
    'controller_runtime_reconcile_total{controller="c",result="requeue"}',
    'controller_runtime_reconcile_total{controller="c",result="requeue_after"}',
    'controller_runtime_reconcile_total{controller="c",result="success"}',
    'controller_runtime_terminal_reconcile_errors_total{controller="c"}',
    'setpoint_blocking_reconciles_total{controller="c"}',
    'setpoint_damped_keys{controller="c"}',
    'setpoint_event_loop_stalls_total{controller="c"}',
    'setpoint_hot_keys_total{controller="c",kind="hot"}',
    'setpoint_hot_keys_total{controller="c",kind="self-trigger"}',
    'setpoint_overdue_reconciles{controller="c"}',
  ]);
});

it('counts what each reconcile came to, and its time in seconds', () => {
  const { metrics, series } = measured();
  metrics.ended({ type: 'success' }, 1500);
  metrics.ended({ type: 'error', error: new Error('x'), terminal: false, panic: false }, 500);
  metrics.ended({ type: 'error', error: new Error('x'), terminal: true, panic: false }, 0);
  metrics.ended({ type: 'error', error: new TypeError('x'), terminal: false, panic: true }, 0);
  metrics.sourceFailed({ source: 's', stage: 'keys' });
  metrics.hot('self-trigger');
  const all = series();
  const of = (name: string, labels = ''): number | undefined => all[`${name}{controller="c"${labels}}`];
  expect(of('controller_runtime_reconcile_total', ',result="success"')).toBe(1);
  expect(of('controller_runtime_reconcile_total', ',result="error"')).toBe(3);
  expect(of('controller_runtime_reconcile_errors_total')).toBe(3);
  expect(of('controller_runtime_terminal_reconcile_errors_total')).toBe(1);
  expect(of('controller_runtime_reconcile_panics_total')).toBe(1);
  expect(of('controller_runtime_reconcile_time_seconds_sum')).toBe(2);
  expect(of('setpoint_source_errors_total', ',source="s",stage="keys"')).toBe(1);
  expect(of('setpoint_hot_keys_total', ',kind="self-trigger"')).toBe(1);
});
