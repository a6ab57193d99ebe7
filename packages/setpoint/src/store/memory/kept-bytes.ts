import { toBytes } from '../key-range.ts';
import type { BytesLike } from '../port.ts';
import { type ByteText, byteText } from './byte-text.ts';

/**
 * A value as the memory store keeps it. Most values are short, and a short `Uint8Array` takes ten times its content, so
 * they are kept as {@link ByteText}; long ones stay bytes, outside the heap that JavaScript's limit is about.
 */
export type KeptBytes = ByteText | Uint8Array;

/** The longest value that is kept as text. */
const TEXT_MAX = 1024;

/** Up to here a loop is faster than a call into Node, and the bytes lie in their object instead of beside it. */
const LOOP_MAX = 64;

/** The store's own copy of what a caller gave: what the caller does with theirs later must not reach us. */
export function keep(input: BytesLike): KeptBytes {
  if (typeof input === 'string') return input.length <= TEXT_MAX ? ownText(byteText(input)) : toBytes(input);
  return input.length <= TEXT_MAX ? byteText(input) : new Uint8Array(input);
}

/** The same text without what a string may drag along: the parts it was joined from, or the whole it was cut from. */
export function ownText(text: ByteText): ByteText {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** A copy for a caller, so that writing into an answer can't change the store. */
export function copyBytes(kept: KeptBytes): Uint8Array {
  if (typeof kept !== 'string') return new Uint8Array(kept);
  const bytes = new Uint8Array(kept.length);
  if (kept.length > LOOP_MAX) Buffer.from(bytes.buffer).write(kept, 'latin1');
  else for (let i = 0; i < kept.length; i++) bytes[i] = kept.charCodeAt(i);
  return bytes;
}

/** For comparing values: text orders as its bytes do. */
export function keptText(kept: KeptBytes): ByteText {
  return typeof kept === 'string' ? kept : byteText(kept);
}
