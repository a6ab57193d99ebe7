import type { Revision } from '../store/port.ts';
import { isSameIncarnation } from './cached-entry.ts';
import type { Entry } from './lister.ts';

/**
 * What happened to one key of the cache: `after` alone is an add, `before` alone a delete, both an update within one
 * incarnation.
 */
export interface CacheChange<T> {
  readonly key: string;
  readonly before: Entry<T> | undefined;
  readonly after: Entry<T> | undefined;
  /** Where in history it happened; for a delete that a relist found out, the list's revision. */
  readonly revision: Revision;
}

/**
 * The steps from one state of a key to another. A new incarnation is a delete and an add, also where the store showed
 * nothing in between: work for the old object must not go on with the new one.
 */
export function changesBetween<T>(
  before: Entry<T> | undefined,
  after: Entry<T> | undefined,
  revision: Revision,
): readonly CacheChange<T>[] {
  const changes: CacheChange<T>[] = [];
  addChanges(changes, before, after, revision);
  return changes;
}

/** Adds these steps to `changes`. */
export function addChanges<T>(
  changes: CacheChange<T>[],
  before: Entry<T> | undefined,
  after: Entry<T> | undefined,
  revision: Revision,
): void {
  const key = (after ?? before)?.key;
  if (key === undefined || before === after) return;
  if (!before || !after || isSameIncarnation(before, after)) {
    changes.push({ key, before, after, revision });
    return;
  }
  changes.push({ key, before, after: undefined, revision }, { key, before: undefined, after, revision });
}
