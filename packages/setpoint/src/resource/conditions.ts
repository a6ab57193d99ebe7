import { invalid, kindOf, type Subject } from './describe.ts';
import type { Condition } from './object-meta.ts';
import { timestamp } from './timestamp.ts';

/** A condition to set: the time of its last transition is worked out. */
export type ConditionInput = Omit<Condition, 'lastTransitionTime'>;

/** The condition of a type, if there is one. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition of a type is there and `True`. */
export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * The conditions with this one in place of the one of its type, or added at the end. `lastTransitionTime` moves to
 * `wallNow` (milliseconds since 1970) only when `status` changes. When nothing changes the very same array comes
 * back, so that the caller can tell and write nothing.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  condition: ConditionInput,
  wallNow: number,
): readonly Condition[] {
  const { type, status, reason, message, observedGeneration } = condition;
  const before = findCondition(conditions, type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(wallNow);
  const observed = observedGeneration === undefined ? {} : { observedGeneration };
  const next: Condition = { type, status, reason, message, lastTransitionTime, ...observed };
  if (!before) return [...(conditions ?? []), next];
  if (sameCondition(before, next)) return conditions!;
  return conditions!.map((other) => (other.type === type ? next : other));
}

/** The conditions without the one of a type: the very same array when there is none. */
export function removeCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  return findCondition(conditions, type) ? conditions.filter((condition) => condition.type !== type) : conditions;
}

function sameCondition(left: Condition, right: Condition): boolean {
  return (
    left.status === right.status &&
    left.reason === right.reason &&
    left.message === right.message &&
    left.observedGeneration === right.observedGeneration
  );
}

const STATUSES = ['True', 'False', 'Unknown'];

/** Refuses what is not a list of conditions with distinct types, with `Invalid`. */
export function validateConditions(conditions: unknown, subject: Subject): asserts conditions is readonly Condition[] {
  if (!Array.isArray(conditions)) throw invalid(subject, 'status.conditions', 'an array', kindOf(conditions));
  const types = new Set<string>();
  for (const [index, condition] of conditions.entries()) {
    const path = `status.conditions[${index}]`;
    if (typeof condition !== 'object' || condition === null)
      throw invalid(subject, path, 'an object', kindOf(condition));
    const fields = condition as Record<string, unknown>;
    for (const field of ['type', 'status', 'reason', 'message', 'lastTransitionTime']) {
      if (typeof fields[field] !== 'string')
        throw invalid(subject, `${path}.${field}`, 'a string', kindOf(fields[field]));
    }
    const { type, status } = condition as Condition;
    if (!STATUSES.includes(status)) throw invalid(subject, `${path}.status`, STATUSES.join(', '), 'another string');
    if (types.has(type)) throw invalid(subject, `${path}.type`, 'each type once', 'one twice');
    types.add(type);
  }
}
