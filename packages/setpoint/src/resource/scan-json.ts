import { MAX_DEPTH } from './plain-json.ts';

/** What makes JSON unfit before it is parsed, and `cut` for a text that ends within a string or a bracket. */
export type JsonFault = 'deep' | 'wide' | 'cut';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DIGITS_OF_SAFE_INTEGERS = 16;

/**
 * Whether a few looks are enough to know that {@link scanJson} would find neither `deep` nor `wide`: true of most
 * values, at a tenth of the cost. `text` is what `bytes` say.
 */
export function isPlain(text: string, bytes: Uint8Array): boolean {
  return !hasLongDigits(bytes) && hasFewBrackets(text);
}

/** One pass over the bytes, before anything recursive sees them. Says the first fault, none for broken JSON as such. */
export function scanJson(bytes: Uint8Array): JsonFault | undefined {
  const { length } = bytes;
  let depth = 0;
  let digits = 0;
  for (let index = 0; index < length; index++) {
    const byte = bytes[index]!;
    if (byte === QUOTE) {
      index = endOfString(bytes, index);
      if (index === length) return 'cut';
      digits = 0;
    } else if (isDigit(byte)) {
      if (++digits === DIGITS_OF_SAFE_INTEGERS && isWideInteger(bytes, index)) return 'wide';
    } else {
      digits = 0;
      // '[' and '{' differ in one bit, as do ']' and '}'
      const bracket = byte | 0x20;
      if (bracket === 0x7b && ++depth > MAX_DEPTH) return 'deep';
      if (bracket === 0x7d) depth--;
    }
  }
  return depth > 0 ? 'cut' : undefined;
}

/** Whether so many digits follow one another anywhere: then one of every so many bytes is among them. */
function hasLongDigits(bytes: Uint8Array): boolean {
  const step = DIGITS_OF_SAFE_INTEGERS;
  for (let at = step - 1; at < bytes.length; at += step) {
    if (!isDigit(bytes[at]!)) continue;
    let [from, to] = [at, at];
    while (from > at - step && isDigit(bytes[from - 1]!)) from--;
    while (to - from < step && isDigit(bytes[to + 1]!)) to++;
    if (to - from + 1 >= step) return true;
  }
  return false;
}

/** Whether there are too few opening brackets, those in strings counted, to be deep. */
function hasFewBrackets(text: string): boolean {
  let left = MAX_DEPTH;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (--left < 0) return false;
    }
  }
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Where the string that starts at `start` has its closing quote; the length when it has none. */
function endOfString(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  let index = start + 1;
  while (index < length) {
    const byte = bytes[index]!;
    if (byte === QUOTE) return index;
    index += byte === BACKSLASH ? 2 : 1;
  }
  return length;
}

/** Whether the number around `index` is an integer that a double can't hold. */
function isWideInteger(bytes: Uint8Array, index: number): boolean {
  const inNumber = (byte: number | undefined): boolean =>
    byte !== undefined && '0123456789+-.eE'.includes(String.fromCharCode(byte));
  let start = index;
  while (inNumber(bytes[start - 1])) start--;
  let end = index;
  while (inNumber(bytes[end])) end++;
  const token = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 400)));
  return /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
}
