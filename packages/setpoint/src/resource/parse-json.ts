import { invalid, type Subject } from './describe.ts';
import { isPollution, joinPath, pollution, tooDeep, wideInteger } from './plain-json.ts';
import { isPlain, scanJson } from './scan-json.ts';

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
 * Reads JSON that anybody may have written: at most `MAX_DEPTH` levels deep (`JSON.parse` takes 700,000, and
 * everything after it overflows the stack), no field name that pollutes prototypes, no integer that would be rounded.
 * Throws `Invalid`, which says what is wrong and never what was read.
 */
export function parseJson(bytes: Uint8Array, subject: Subject): unknown {
  const text = decodeText(bytes);
  if (text === undefined) throw invalid(subject, 'value', 'JSON in UTF-8', 'bytes that are not UTF-8');
  const fault = isPlain(text, bytes) ? undefined : scanJson(bytes);
  if (fault === 'deep') throw tooDeep(subject, 'value');
  if (fault === 'wide') throw wideInteger(subject, 'value');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not the parser's error, not even as the cause: it quotes what it read.
    throw invalid(subject, 'value', 'JSON', brokenText(text, bytes));
  }
  if (mayPollute(text)) refusePollution(value, subject, '');
  return value;
}

function brokenText(text: string, bytes: Uint8Array): string {
  if (text === '') return 'an empty value';
  if (text.startsWith('\uFEFF')) return 'text that starts with a byte order mark';
  return scanJson(bytes) === 'cut' ? 'JSON that is cut short' : 'text that is not JSON';
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
