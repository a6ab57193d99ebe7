/**
 * The value `next` with all that did not change since `before` taken from there: texts, and whole objects and arrays.
 * What replaces another state of an object is mostly the same again, and so takes neither memory nor a collector's time.
 * The outermost object is always `next`: two states are two objects.
 *
 * `next` must be plain JSON that is the caller's own: it is changed in place, though never in what it says. Parts of it
 * that aren't plain, or are frozen, stay as they are.
 */
export function withUnchangedParts<T>(next: T, before: unknown): T {
  if (isContainer(next) && isContainer(before)) shared(next, before);
  return next;
}

/** Of shorter texts that come from JSON, V8 keeps one copy by itself. */
const SHORT_TEXT = 10;

type Container = Record<string, unknown>;

/** `before` when nothing changed, otherwise `next` with what did not. */
function shared(next: Container, before: Container): Container {
  if (!isPlain(next) || Array.isArray(next) !== Array.isArray(before) || Object.isFrozen(next)) return next;
  let same = true;
  let count = 0;
  for (const key in next) {
    count++;
    const value = next[key];
    const old = before[key];
    if (Object.is(value, old)) {
      if (typeof value === 'string' && value.length > SHORT_TEXT) next[key] = old;
    } else if (isContainer(value) && isContainer(old)) {
      const part = shared(value, old);
      if (part === old) next[key] = old;
      else same = false;
    } else same = false;
  }
  return same && count === sizeOf(before) && isPlain(before) ? before : next;
}

function sizeOf(container: Container): number {
  let count = 0;
  for (const _ in container) count++;
  return count;
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function isPlain(value: Container): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype;
}
