import { createMetrics, type Metrics } from '../internal/metrics.ts';
import type { SourceFailure } from '../source/index.ts';
import type { HotKey } from './hot-keys.ts';
import type { Outcome } from './outcome.ts';

/** controller-runtime's, in seconds. */
const SECONDS_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

const RESULTS: readonly Outcome['type'][] = ['error', 'requeue_after', 'requeue', 'success'];

/**
 * What a controller counts, by controller-runtime's names, each at 0 from the start. Beyond those: overdue attempts
 * (zombies) and errors of user code in sources.
 */
export function controllerMetrics(metrics: Metrics = createMetrics(), controller: string) {
  const counter = (name: string, help: string) =>
    metrics.counter({ name: `controller_runtime_${name}`, help, labels: ['controller'] }).with({ controller });
  const gauge = (name: string, help: string) =>
    metrics.gauge({ name, help, labels: ['controller'] }).with({ controller });

  const total = metrics.counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Total number of reconciliations per controller and result',
    labels: ['controller', 'result'],
  });
  const results = new Map(RESULTS.map((result) => [result, total.with({ controller, result })]));
  const errors = counter('reconcile_errors_total', 'Total number of reconciliation errors per controller');
  const terminal = counter(
    'terminal_reconcile_errors_total',
    'Total number of terminal reconciliation errors per controller',
  );
  const panics = counter('reconcile_panics_total', 'Total number of reconciliation panics per controller');
  const timeouts = counter('reconcile_timeouts_total', 'Total number of reconciliation timeouts per controller');
  const seconds = metrics
    .histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Length of time per reconciliation per controller',
      labels: ['controller'],
      buckets: SECONDS_BUCKETS,
    })
    .with({ controller });
  const sourceErrors = metrics.counter({
    name: 'setpoint_source_errors_total',
    help: 'Errors of predicates, mappers and Observables that feed a controller',
    labels: ['controller', 'source', 'stage'],
  });
  return {
    maxConcurrent: gauge(
      'controller_runtime_max_concurrent_reconciles',
      'Maximum number of concurrent reconciles per controller',
    ),
    activeWorkers: gauge('controller_runtime_active_workers', 'Number of currently used workers per controller'),
    overdue: gauge(
      'setpoint_overdue_reconciles',
      'Attempts that have not returned although their time and grace are over',
    ),
    damped: gauge('setpoint_damped_keys', 'Keys that are slowed down because their reconciles trigger themselves'),
    ...reproachMetrics(metrics, controller),
    timedOut: () => timeouts.inc(),
    sourceFailed: ({ source, stage }: SourceFailure) => sourceErrors.with({ controller, source, stage }).inc(),
    ended(outcome: Outcome, durationMs: number): void {
      results.get(outcome.type)!.inc();
      seconds.observe(durationMs / 1000);
      if (outcome.type !== 'error') return;
      errors.inc();
      if (outcome.terminal) terminal.inc();
      if (outcome.panic) panics.inc();
    },
  };
}

/** What is wrong with reconciles that nevertheless end well. */
function reproachMetrics(metrics: Metrics, controller: string) {
  const counter = (name: string, help: string) => {
    const counted = metrics.counter({ name, help, labels: ['controller'] }).with({ controller });
    return () => counted.inc();
  };
  const hot = metrics.counter({
    name: 'setpoint_hot_keys_total',
    help: 'Keys that ran too often within a minute, or were triggered by their own writes, by kind',
    labels: ['controller', 'kind'],
  });
  hot.with({ controller, kind: 'hot' });
  hot.with({ controller, kind: 'self-trigger' });
  return {
    hot: (kind: HotKey['kind']) => hot.with({ controller, kind }).inc(),
    blocked: counter(
      'setpoint_blocking_reconciles_total',
      'Reconciles that kept the event loop for 200 ms or more at once',
    ),
    stalled: counter(
      'setpoint_event_loop_stalls_total',
      'Times that the event loop stood still for 200 ms or more while reconciles were under way',
    ),
  };
}
