/** Whether two JSON values mean the same. Key order doesn't count, and an undefined property equals an absent one. */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return left !== left && right !== right;
  }
  if (Array.isArray(left) || Array.isArray(right)) return equalArrays(left, right);
  return equalObjects(left as Record<string, unknown>, right as Record<string, unknown>);
}

function equalArrays(left: unknown, right: unknown): boolean {
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (!deepEqual(left[index], right[index])) return false;
  }
  return true;
}

function equalObjects(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  let present = 0;
  for (const key of Object.keys(left)) {
    const value = left[key];
    if (value === undefined) continue;
    if (!Object.hasOwn(right, key) || !deepEqual(value, right[key])) return false;
    present++;
  }
  for (const key of Object.keys(right)) {
    if (right[key] !== undefined) present--;
  }
  return present === 0;
}

/** Freezes a JSON value at every depth, in place, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.freeze(value);
  for (const key of Object.keys(value)) deepFreeze((value as Record<string, unknown>)[key]);
  return value;
}

/** A copy of a JSON value that shares nothing with it. Copies of frozen values can be changed. */
export function clone<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element: unknown) => clone(element)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, clone<unknown>(element)])) as T;
}
