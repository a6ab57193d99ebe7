import { clone, deepEqual } from './equality.ts';
import { isPlainObject, type JsonObject } from './plain-json.ts';

/**
 * What a JSON merge patch (RFC 7386) may say about a `T`: fields to set, at any depth, and null for fields to take away.
 * Lists are set as a whole.
 */
export type MergePatch<T> = T extends readonly unknown[] | string | number | boolean | null | undefined
  ? T
  : { readonly [Key in keyof T]?: MergePatch<T[Key]> | null };

/** The target with the patch applied. Neither is changed, and the result shares no parts with the patch. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isPlainObject(patch)) return clone(patch);
  const merged: JsonObject = isPlainObject(target) ? { ...target } : {};
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    if (value === undefined) continue;
    if (value === null) delete merged[name];
    else setOwn(merged, name, mergePatch(Object.hasOwn(merged, name) ? merged[name] : undefined, value));
  }
  return merged;
}

/** The smallest merge patch that makes `after` of `before`; undefined when they are the same. `after` has no nulls. */
export function mergePatchBetween(before: unknown, after: unknown): unknown {
  if (!isPlainObject(before) || !isPlainObject(after)) return deepEqual(before, after) ? undefined : clone(after);
  const patch: JsonObject = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [left, right] = [own(before, name), own(after, name)];
    if (right === undefined) {
      if (left !== undefined) setOwn(patch, name, null);
      continue;
    }
    const inner = left === undefined ? clone(right) : mergePatchBetween(left, right);
    if (inner !== undefined) setOwn(patch, name, inner);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

const own = (object: JsonObject, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);

/** Sets also what is called `__proto__`, as a field like any other; whoever stores it refuses it by name. */
function setOwn(object: JsonObject, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}
