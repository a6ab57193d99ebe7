import { isWithoutEnd, keyRange, toBytes } from '../key-range.ts';
import type { BytesLike, KeySelector } from '../port.ts';

/**
 * Inside the memory store a key is a string with one character per byte (latin1). Such strings compare exactly as the
 * bytes do, work as Map keys and never leave the store.
 */
export type ByteText = string;

/** A selector in byte text. A single key has `single`; a range without an end has neither `single` nor `end`. */
export interface TextRange {
  readonly start: ByteText;
  readonly end: ByteText | undefined;
  readonly single: boolean;
}

export function byteText(input: BytesLike): ByteText {
  // ASCII is its own UTF-8, so most keys need no conversion.
  if (typeof input === 'string' && /^[\u0000-\u007f]*$/.test(input)) return input;
  const bytes = toBytes(input);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function textRange(selector: KeySelector): TextRange {
  if ('key' in selector && selector.end === undefined) {
    return { start: byteText(selector.key), end: undefined, single: true };
  }
  const { start, end } = keyRange(selector);
  const open = end === undefined || isWithoutEnd(end);
  return { start: byteText(start), end: open ? undefined : byteText(end), single: false };
}

export function inRange(range: TextRange, key: ByteText): boolean {
  if (range.single) return key === range.start;
  return key >= range.start && (range.end === undefined || key < range.end);
}
