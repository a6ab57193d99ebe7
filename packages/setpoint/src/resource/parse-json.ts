import { invalid, type Subject } from './describe.ts';
import { isPollution, joinPath, pollution, tooDeep, wideInteger, MAX_DEPTH } from './plain-json.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text, undefined when they aren't UTF-8. A byte order mark is kept, as U+FEFF. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Reads JSON that anybody may have written: at most {@link MAX_DEPTH} levels deep (`JSON.parse` takes 700,000, and
 * everything after it overflows the stack), no field name that pollutes prototypes, no integer that would be rounded.
 * Throws `Invalid`, which says what is wrong and never what was read.
 */
export function parseJson(bytes: Uint8Array, subject: Subject): unknown {
  const text = decodeText(bytes);
  if (text === undefined) throw invalid(subject, 'value', 'JSON in UTF-8', 'bytes that are not UTF-8');
  const fault = scan(bytes);
  if (fault === 'deep') throw tooDeep(subject, 'value');
  if (fault === 'wide') throw wideInteger(subject, 'value');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not the parser's error, not even as the cause: it quotes what it read.
    throw invalid(subject, 'value', 'JSON', brokenText(text, fault));
  }
  if (mayPollute(text)) refusePollution(value, subject, '');
  return value;
}

function brokenText(text: string, fault: 'cut' | undefined): string {
  if (text === '') return 'an empty value';
  if (text.startsWith('\uFEFF')) return 'text that starts with a byte order mark';
  return fault === 'cut' ? 'JSON that is cut short' : 'text that is not JSON';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DIGITS_OF_SAFE_INTEGERS = 16;

/** One pass over the bytes, before anything recursive sees them. Says the first fault, none for broken JSON as such. */
function scan(bytes: Uint8Array): 'deep' | 'wide' | 'cut' | undefined {
  const { length } = bytes;
  let depth = 0;
  let digits = 0;
  for (let index = 0; index < length; index++) {
    const byte = bytes[index]!;
    if (byte === QUOTE) {
      index = endOfString(bytes, index);
      if (index === length) return 'cut';
      digits = 0;
    } else if (byte >= 0x30 && byte <= 0x39) {
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

/** A cheap filter: the names themselves, or an escape that could spell them. */
function mayPollute(text: string): boolean {
  return text.includes('__proto__') || text.includes('constructor') || text.includes('\\u');
}

function refusePollution(value: unknown, subject: Subject, path: string): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[key];
    const at = Array.isArray(value) ? `${path}[${key}]` : joinPath(path, key);
    if (isPollution(key, field)) throw pollution(subject, at);
    refusePollution(field, subject, at);
  }
}
