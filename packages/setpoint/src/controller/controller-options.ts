import { SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import type { Source } from '../source/index.ts';
import type { Fairness, RateLimiter } from '../workqueue/index.ts';
import type { Reconciler } from './reconciler.ts';
import type { ReconcileReport } from './report.ts';
import type { RunHistoryOptions } from './run-history.ts';

export interface ControllerOptions {
  /** Names it in logs and metrics; unique within a process. */
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: Reconciler;
  /** How many keys are worked on at once; settable later. Default 1, as controller-runtime. */
  readonly concurrency?: number;
  /** When an attempt's signal aborts. Default 30 s; Infinity for never. */
  readonly timeoutMs?: number;
  /** How long after that its worker slot is given to another key, whether it has returned or not. Default 5 s. */
  readonly graceMs?: number;
  /** How long the sources may take to sync before the start fails. Default 2 min, as controller-runtime. */
  readonly cacheSyncTimeoutMs?: number;
  /** The delay after a failure. Default: `defaultControllerLimiter()`. */
  readonly rateLimiter?: RateLimiter;
  /** Whose keys take turns. Default: namespaces, each alike; false: first come, first served. */
  readonly fairness?: Fairness | false;
  /** How many runs `explain` can look back on. Default: five of each of the last thousand keys. */
  readonly history?: RunHistoryOptions;
  /** Listens to `reconciled` from the start on. */
  readonly onReconciled?: (report: ReconcileReport) => void;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Where to count. Default: nowhere. */
  readonly metrics?: Metrics;
}

export interface ControllerLimits {
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly cacheSyncTimeoutMs: number;
}

/** The numbers of a controller, checked and defaulted; throws `Invalid`. */
export function controllerLimits(options: ControllerOptions): ControllerLimits {
  const { name, timeoutMs = 30_000, graceMs = 5000, cacheSyncTimeoutMs = 120_000 } = options;
  if (typeof name !== 'string' || name === '')
    throw new SetpointError('Invalid', 'a controller needs a name, a non-empty string');
  return {
    timeoutMs: duration(name, 'timeoutMs', timeoutMs),
    graceMs: duration(name, 'graceMs', graceMs),
    cacheSyncTimeoutMs: duration(name, 'cacheSyncTimeoutMs', cacheSyncTimeoutMs),
  };
}

/** A pool that takes nothing would look alive and do nothing: to stop for a while there is `pause`. */
export function checkConcurrency(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new SetpointError(
    'Invalid',
    `controller '${name}': concurrency must be an integer of at least 1; got ${String(value)}`,
  );
}

function duration(name: string, option: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new SetpointError(
    'Invalid',
    `controller '${name}': ${option} must be a number of milliseconds above 0; got ${String(value)}`,
  );
}
