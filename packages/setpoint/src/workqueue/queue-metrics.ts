import type { Clock } from '../internal/clock.ts';
import type { Metrics } from '../internal/metrics.ts';

/** 10 ns × 10ᵏ: twelve buckets up to 1000 s, in seconds. controller-runtime's. */
const SECONDS_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000];

/** Distinct values of the `priority` label; controller-runtime's. */
const PRIORITIES_MAX = 25;

/** So many priorities of one queue are counted at all. */
const PRIORITIES_READ_MAX = 100;

/** What a queue tells of itself as it goes. */
export interface QueueMetrics {
  /** An add was accepted: the key wasn't wanted before. */
  readonly added: (key: string, priority: number) => void;
  /** A delayed or rate-limited add was asked for. */
  readonly retried: () => void;
  readonly handedOut: (key: string) => void;
  readonly done: (key: string) => void;
  /** The queue is over: its readings are taken off the registry. */
  readonly close: () => void;
}

interface QueueMetricsOptions {
  readonly name?: string;
  readonly metrics?: Metrics;
  readonly clock: Clock;
  /** How many keys of a priority are ready, asked whenever the metrics are read. */
  readonly depth: (priority: number) => number;
}

/** The families, by controller-runtime's names and labels, so that dashboards made for it work. */
function families(metrics: Metrics) {
  const labels = ['name', 'controller'];
  const prefix = 'workqueue_';
  return {
    depth: metrics.gauge({
      name: `${prefix}depth`,
      help: 'Current depth of workqueue by workqueue and priority',
      labels: [...labels, 'priority'],
      maxLabelValues: { priority: PRIORITIES_MAX },
    }),
    adds: metrics.counter({ name: `${prefix}adds_total`, help: 'Total number of adds handled by workqueue', labels }),
    queueDuration: metrics.histogram({
      name: `${prefix}queue_duration_seconds`,
      help: 'How long in seconds an item stays in workqueue before being requested',
      labels,
      buckets: SECONDS_BUCKETS,
    }),
    workDuration: metrics.histogram({
      name: `${prefix}work_duration_seconds`,
      help: 'How long in seconds processing an item from workqueue takes',
      labels,
      buckets: SECONDS_BUCKETS,
    }),
    unfinished: metrics.gauge({
      name: `${prefix}unfinished_work_seconds`,
      help: 'Seconds of work in progress that work_duration does not show yet, over all keys being processed',
      labels,
    }),
    longest: metrics.gauge({
      name: `${prefix}longest_running_processor_seconds`,
      help: 'How many seconds the longest running processor for workqueue has been running',
      labels,
      combine: 'max',
    }),
    retries: metrics.counter({ name: `${prefix}retries_total`, help: 'Total number of retries handled', labels }),
  };
}

/**
 * Registers the metrics of the queue `name`. Two queues of one name share their series: counts and depths add up, the
 * longest-running is the longest of both. Depth, unfinished work and longest-running are computed when they are read,
 * so they are never stale and grow while a worker is stuck.
 */
function registered(name: string, metrics: Metrics, { clock, depth }: QueueMetricsOptions): QueueMetrics {
  const all = families(metrics);
  const labels = { name, controller: name };
  const queueDuration = all.queueDuration.with(labels);
  const workDuration = all.workDuration.with(labels);
  const adds = all.adds.with(labels);
  const retries = all.retries.with(labels);
  const addedAt = new Map<string, number>();
  const startedAt = new Map<string, number>();
  const running = (): number[] => Array.from(startedAt.values(), (start) => (clock.now() - start) / 1000);
  const observe = (since: Map<string, number>, key: string, histogram: typeof workDuration): void => {
    const start = since.get(key);
    if (start !== undefined) histogram.observe((clock.now() - start) / 1000);
    since.delete(key);
  };
  const readings = [
    all.unfinished.with(labels).read(() => running().reduce((sum, seconds) => sum + seconds, 0)),
    all.longest.with(labels).read(() => running().reduce((longest, seconds) => Math.max(longest, seconds), 0)),
  ];
  const priorities = new Set<number>();
  /** Past its bound the label has one value for all further priorities, whose depths add up there. */
  const readDepth = (priority: number): void => {
    if (priorities.has(priority) || priorities.size >= PRIORITIES_READ_MAX) return;
    priorities.add(priority);
    readings.push(all.depth.with({ ...labels, priority: String(priority) }).read(() => depth(priority)));
  };
  readDepth(0);
  return {
    added(key, priority) {
      readDepth(priority);
      adds.inc();
      addedAt.set(key, clock.now());
    },
    retried: () => retries.inc(),
    handedOut(key) {
      observe(addedAt, key, queueDuration);
      startedAt.set(key, clock.now());
    },
    done: (key) => observe(startedAt, key, workDuration),
    close: () => readings.splice(0).forEach((stop) => stop()),
  };
}

/**
 * The metrics of a queue, or undefined when it has no name or no registry. A registry that throws, be it the user's
 * own, costs the queue its metrics and never a key.
 */
export function queueMetrics(options: QueueMetricsOptions): QueueMetrics | undefined {
  const { name, metrics } = options;
  if (name === undefined || metrics === undefined) return undefined;
  const own = ignoringErrors(() => registered(name, metrics, options))();
  return (
    own && {
      added: ignoringErrors(own.added),
      retried: ignoringErrors(own.retried),
      handedOut: ignoringErrors(own.handedOut),
      done: ignoringErrors(own.done),
      close: ignoringErrors(own.close),
    }
  );
}

/** Metrics may be lost; the work they describe may not. */
const ignoringErrors =
  <Arguments extends unknown[], Returned>(call: (...args: Arguments) => Returned) =>
  (...args: Arguments): Returned | undefined => {
    try {
      return call(...args);
    } catch {
      return undefined;
    }
  };
