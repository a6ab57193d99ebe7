import type { Clock } from '../internal/clock.ts';
import { type Condition, deepEqual, type ResourceObject, setCondition } from '../resource/index.ts';

/** One aspect of an object as a reconcile found it. `true` and `false` stand for 'True' and 'False'. */
export interface ReportedCondition {
  readonly type: string;
  readonly status: boolean | Condition['status'];
  /** A CamelCase word for machines. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export interface StatusWriterOptions {
  /** The object that was reconciled: its generation is the observed one. */
  readonly object: ResourceObject;
  readonly clock: Clock;
  /** Writes a whole status and returns the object as it then is. */
  readonly write: (object: ResourceObject, status: object) => Promise<ResourceObject>;
}

/**
 * Returns the `status` function of one attempt: it replaces the status but for conditions, which it merges by type,
 * and writes only when that changes anything, times of transition left aside.
 */
export function statusWriter(options: StatusWriterOptions) {
  let current = options.object;
  const observedGeneration = current.metadata.generation;
  return async (status: object, ...reported: readonly ReportedCondition[]): Promise<void> => {
    let conditions = current.status?.conditions;
    for (const condition of reported) {
      const input = { ...condition, status: conditionStatus(condition.status), observedGeneration };
      conditions = setCondition(conditions, input, options.clock.wallNow());
    }
    const next = { ...status, ...(conditions === undefined ? {} : { conditions }), observedGeneration };
    if (!deepEqual(next, current.status)) current = await options.write(current, next);
  };
}

function conditionStatus(status: ReportedCondition['status']): Condition['status'] {
  if (typeof status === 'string') return status;
  return status ? 'True' : 'False';
}
