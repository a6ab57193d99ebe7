import { isPlainObject, type JsonObject } from './plain-json.ts';

/**
 * Lays what a schema made of a value over the value, in place: the schema's defaults and conversions win, and fields
 * that it doesn't know and dropped are kept. `raw` must be the caller's own, `output` is not changed.
 */
export function overlay(raw: unknown, output: unknown): unknown {
  if (raw === output) return output;
  if (isPlainObject(raw) && isPlainObject(output)) return overlayObject(raw, output);
  if (Array.isArray(raw) && Array.isArray(output) && raw.length === output.length) {
    for (let index = 0; index < raw.length; index++) raw[index] = overlay(raw[index], output[index]);
    return raw;
  }
  return output;
}

function overlayObject(raw: JsonObject, output: JsonObject): JsonObject {
  for (const key of Object.keys(output)) {
    const value = output[key];
    if (value !== undefined) raw[key] = Object.hasOwn(raw, key) ? overlay(raw[key], value) : value;
  }
  return raw;
}

/**
 * `next` with the fields of `stored` that the schema dropped when it made `output` of it, where `next` still has the
 * object around them, in place. A writer of an older version keeps by this what a newer one has stored.
 */
export function carryDropped(stored: unknown, output: unknown, next: unknown): void {
  if (!isPlainObject(stored) || !isPlainObject(output) || !isPlainObject(next)) return;
  for (const key of Object.keys(stored)) {
    if (Object.hasOwn(output, key)) {
      if (Object.hasOwn(next, key)) carryDropped(stored[key], output[key], next[key]);
    } else if (!Object.hasOwn(next, key)) {
      next[key] = stored[key];
    }
  }
}

/** One field that a schema dropped. */
export interface DroppedField {
  /** The steps to the object it was in: names and indexes. */
  readonly parents: readonly (string | number)[];
  readonly name: string;
  /** The names that the schema left in that object. */
  readonly kept: readonly string[];
}

/**
 * The first field of `raw` that is missing from `output` and that none of `allowed` has with the same value at its
 * place. (Elements of arrays move, so any element of an allowed array counts.)
 */
export function findDropped(
  raw: unknown,
  output: unknown,
  isAllowed: (name: string, value: unknown, stored: readonly unknown[]) => boolean,
  stored: readonly unknown[] = [],
  parents: readonly (string | number)[] = [],
): DroppedField | undefined {
  if (Array.isArray(raw) && Array.isArray(output) && raw.length === output.length) {
    const elements = stored.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : []));
    return first(raw, (element, index) =>
      findDropped(element, output[index], isAllowed, elements, [...parents, index]),
    );
  }
  if (!isPlainObject(raw) || !isPlainObject(output)) return undefined;
  return first(Object.keys(raw), (name) => {
    const inStored = stored.flatMap((value) =>
      isPlainObject(value) && Object.hasOwn(value, name) ? [value[name]] : [],
    );
    if (Object.hasOwn(output, name)) {
      return findDropped(raw[name], output[name], isAllowed, inStored, [...parents, name]);
    }
    return isAllowed(name, raw[name], inStored) ? undefined : { parents, name, kept: Object.keys(output) };
  });
}

function first<T, R>(items: readonly T[], find: (item: T, index: number) => R | undefined): R | undefined {
  for (let index = 0; index < items.length; index++) {
    const found = find(items[index]!, index);
    if (found !== undefined) return found;
  }
  return undefined;
}
