import { tracingChannel } from 'node:diagnostics_channel';
import type { Cause } from '../workqueue/index.ts';
import type { Outcome } from './outcome.ts';
import type { Write } from './write.ts';

/** What subscribers of `setpoint:reconcile` are given: one object for all messages of one attempt. */
export interface ReconcileTrace {
  readonly controller: string;
  readonly key: string;
  readonly reconcileId: string;
  readonly attempt: number;
  /** Why; the revisions in it link the attempt to the writes that led to it. */
  readonly causes: readonly Cause[];
  /** How long the key had been wanted when it was handed out; absent when nobody noted it. */
  readonly queuedMs?: number;
  /** The writes of the attempt, in their order; it grows until the attempt has ended. */
  readonly writes: readonly Write[];
  /** Set with `asyncEnd`. */
  outcome?: Outcome;
}

/**
 * Node's tracing channel `setpoint:reconcile`: `tracing:setpoint:reconcile:start` and `:end` around the call of the
 * reconciler, `:asyncEnd` when it has really returned. Without subscribers it costs one comparison.
 */
const reconcileChannel = tracingChannel<ReconcileTrace, ReconcileTrace>('setpoint:reconcile');

/** Tells the subscribers of one attempt. */
export interface ReconcileTracer {
  /** Calls the reconciler, in the context of whatever store is bound to the start. */
  readonly call: (work: () => unknown) => unknown;
  readonly ended: (outcome: Outcome) => void;
}

/** Undefined while nobody listens. */
export function reconcileTracer(trace: () => ReconcileTrace): ReconcileTracer | undefined {
  const { start, end, asyncEnd } = reconcileChannel;
  if (!start.hasSubscribers && !end.hasSubscribers && !asyncEnd.hasSubscribers) return undefined;
  const message = trace();
  return {
    call(work) {
      try {
        return start.runStores(message, work);
      } finally {
        end.publish(message);
      }
    },
    ended(outcome) {
      message.outcome = outcome;
      asyncEnd.publish(message);
    },
  };
}
