import { deepEqual } from './equality.ts';
import { isPlainObject, joinPath } from './plain-json.ts';

/** One field that two values differ in: undefined on the side that doesn't have it. */
export interface Difference {
  /** Such as `spec.replicas`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The fields in which two JSON values differ, the deepest that are still one field on both sides; lists as a whole. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (!isPlainObject(before) || !isPlainObject(after)) return deepEqual(before, after) ? [] : [{ path, before, after }];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const of = (object: Record<string, unknown>): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);
    return differences(of(before), of(after), joinPath(path, name));
  });
}
