import type { Cause } from '../workqueue/index.ts';
import type { HotKey } from './hot-keys.ts';
import type { Outcome } from './outcome.ts';
import type { Write } from './write.ts';

/** What a controller tells of itself. */
export interface ControllerEvents {
  /** An attempt has ended and its key was released. */
  readonly reconciled: ReconcileReport;
  /** A key runs in circles, or very often. At most once a minute for each key. */
  readonly hot: HotKey;
  /** An attempt ignores its signal: its time and grace are over, and it has not returned. */
  readonly overdue: RunningAttempt;
}

/** One attempt, looked back at. */
export interface ReconcileReport {
  readonly controller: string;
  readonly key: string;
  readonly reconcileId: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** How long the key had been wanted before; absent when nobody noted it. */
  readonly queuedMs?: number;
  readonly causes: readonly Cause[];
  /** The first twenty. */
  readonly writes: readonly Write[];
  readonly timedOut: boolean;
}

/** An attempt that has not returned, as it is told. */
export interface RunningAttempt {
  readonly key: string;
  readonly reconcileId: string;
  readonly attempt: number;
  readonly runningMs: number;
  readonly causes: readonly Cause[];
  /** Those that were made so far. */
  readonly writes: readonly Write[];
  /** Its time is up, and its signal aborted. */
  readonly timedOut: boolean;
  /** Its grace is up too: it goes on without a worker, and holds its key. */
  readonly overdue: boolean;
}
