import { SetpointError } from '../errors/index.ts';
import type { BytesLike, KeySelector } from './port.ts';

/**
 * A selector as etcd's wire has it. `end` undefined: the one key `start`. `end` of a single zero byte: every key from
 * `start` on. Otherwise the half-open range [start, end), which is empty when `end` does not lie behind `start`.
 */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array | undefined;
}

/** etcd's mark for "without an end", chosen because no range can usefully end at the smallest key. */
const WITHOUT_END: Uint8Array = Uint8Array.of(0);

const encoder = new TextEncoder();
const fatalDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The bytes of a key or value. A string gives its UTF-8 encoding, an array is returned as it is (not copied). Throws
 * `Invalid` for half of a surrogate pair: encoding it would fold two different strings into one key.
 */
export function toBytes(input: BytesLike): Uint8Array {
  checkBytesLike(input);
  return typeof input === 'string' ? encoder.encode(input) : input;
}

/** How many bytes {@link toBytes} would give, and throws as it does, without making them. */
export function byteLength(input: BytesLike): number {
  checkBytesLike(input);
  return typeof input === 'string' ? Buffer.byteLength(input) : input.length;
}

/** A key as text. Throws `Invalid` when the bytes are not UTF-8: no two keys ever give the same text. */
export function keyText(key: Uint8Array): string {
  try {
    return fatalDecoder.decode(key);
  } catch (cause) {
    throw new SetpointError('Invalid', `key 0x${hex(key)}: expected UTF-8, received other bytes`, { cause });
  }
}

/** A key for messages and logs: its text, or its bytes in hexadecimal when they are not UTF-8. */
export function shownKey(key: Uint8Array): string {
  try {
    return fatalDecoder.decode(key);
  } catch {
    return `0x${hex(key)}`;
  }
}

/**
 * The end of the range of keys that start with `prefix`: the prefix with its last byte below 0xff raised by one and
 * what follows cut off. A prefix of nothing but 0xff has no such end, so its range runs on without one ([0]).
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return WITHOUT_END.slice();
  const end = new Uint8Array(prefix.subarray(0, length));
  end[length - 1]!++;
  return end;
}

/**
 * Where a selector begins and ends. Throws `Invalid` for an empty key, prefix, end or fromKey, and when not exactly
 * one of `key`, `prefix` and `fromKey` is given: a forgotten variable must never select the whole store.
 */
export function keyRange(selector: KeySelector): KeyRange {
  checkSelector(selector);
  if ('key' in selector) {
    return { start: toBytes(selector.key), end: selector.end === undefined ? undefined : toBytes(selector.end) };
  }
  if ('fromKey' in selector) return { start: toBytes(selector.fromKey), end: WITHOUT_END.slice() };
  const start = toBytes(selector.prefix);
  return { start, end: prefixEnd(start) };
}

/** Throws as {@link keyRange} does, without making the bytes. */
export function checkSelector(selector: KeySelector): void {
  const given = ['key', 'prefix', 'fromKey'].filter((name) => name in selector).length;
  if (given !== 1) {
    throw new SetpointError('Invalid', `selector: expected one of key, prefix and fromKey, received ${given}`);
  }
  if ('key' in selector) {
    checkNonEmpty(selector.key, 'key');
    if (selector.end !== undefined) checkNonEmpty(selector.end, 'end');
    return;
  }
  if ('end' in selector) throw new SetpointError('Invalid', 'selector: expected end only together with key');
  if ('prefix' in selector) checkNonEmpty(selector.prefix, 'prefix');
  else checkNonEmpty(selector.fromKey, 'fromKey');
}

/** Whether `end` is etcd's mark for a range without an end. */
export function isWithoutEnd(end: Uint8Array): boolean {
  return end.length === 1 && end[0] === 0;
}

function checkBytesLike(input: BytesLike): void {
  if (typeof input === 'string') {
    if (!/\p{Surrogate}/u.test(input)) return;
    throw new SetpointError(
      'Invalid',
      'text for the store: expected well-formed Unicode, received half a surrogate pair',
    );
  }
  if (input instanceof Uint8Array) return;
  throw new SetpointError(
    'Invalid',
    `bytes for the store: expected a string or a Uint8Array, received ${kindOf(input)}`,
  );
}

function checkNonEmpty(input: BytesLike, name: string): void {
  if (byteLength(input) > 0) return;
  const hint = name === 'key' || name === 'end' ? '' : "; for the whole store say { fromKey: '\\0' }";
  throw new SetpointError('Invalid', `selector.${name}: expected at least one byte, received none${hint}`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 64), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
