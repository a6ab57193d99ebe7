import { invalid, invalidBecause, kindOf, quote, type Subject } from './describe.ts';

/** How deeply values may nest, the whole object counted from its outermost brace: enough for any real object. */
export const MAX_DEPTH = 64;

/** A JSON object whose fields are not known. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is an object that came from JSON or a literal: no array, no class instance. */
export function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A deep copy of `value` that is certain to come back from JSON as it is: undefined properties are left out, and
 * whatever JSON would change or drop (NaN, Date, Map, class instances, bigint, functions, integers past 2⁵³, cycles)
 * is refused with `Invalid`. `depth` is the number of levels around it.
 */
export function plainJson(value: unknown, subject: Subject, path: string, depth = 0): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return plainNumber(value, subject, path);
  const isArray = Array.isArray(value);
  if (!isArray && !isPlainObject(value)) {
    throw invalid(subject, path, 'JSON (string, number, boolean, null, array, plain object)', kindOf(value));
  }
  if (depth >= MAX_DEPTH) throw tooDeep(subject, path);
  return isArray ? plainArray(value, subject, path, depth) : plainObject(value, subject, path, depth);
}

export function tooDeep(subject: Subject, path: string): Error {
  return invalid(subject, path, `at most ${MAX_DEPTH} levels of nesting`, 'more, or a cycle');
}

/** A field name as the next step of a path. */
export function joinPath(path: string, key: string): string {
  const step = /^[A-Za-z_$][\w$-]*$/.test(key) ? key : `[${quote(key)}]`;
  return step.startsWith('[') || path === '' ? path + step : `${path}.${step}`;
}

/** `__proto__`, and a `constructor` with a `prototype`: what merging code can be tricked with. */
export function isPollution(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

export function pollution(subject: Subject, path: string): Error {
  return invalidBecause(subject, path, 'this field name could change the prototype of objects and is refused');
}

function plainNumber(value: number, subject: Subject, path: string): number {
  if (!Number.isFinite(value)) throw invalid(subject, path, 'a finite number', kindOf(value));
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw wideInteger(subject, path);
  return Object.is(value, -0) ? 0 : value;
}

export function wideInteger(subject: Subject, path: string): Error {
  return invalid(
    subject,
    path,
    'integers within ±(2^53-1)',
    'a larger one',
    'Keep it as a string: it would be rounded.',
  );
}

function plainArray(value: readonly unknown[], subject: Subject, path: string, depth: number): unknown[] {
  return Array.from(value, (element, index) => plainJson(element, subject, `${path}[${index}]`, depth + 1));
}

function plainObject(value: JsonObject, subject: Subject, path: string, depth: number): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) {
    const field = value[key];
    if (field === undefined) continue;
    if (isPollution(key, field)) throw pollution(subject, joinPath(path, key));
    copy[key] = plainJson(field, subject, joinPath(path, key), depth + 1);
  }
  return copy;
}
