import { invalidBecause } from '../resource/index.ts';
import type { Revision } from '../store/index.ts';

/** Where a list goes on. */
export interface ContinueToken {
  /** The snapshot that all pages are of; undefined to go on at the present one, after history was lost. */
  readonly revision: Revision | undefined;
  /** The first key that may be on the next page, a character for each byte: keys that are no text are keys too. */
  readonly start: string;
}

const SUBJECT = { what: 'Continue token', next: 'Take it from the list before it, unchanged, or list from the start.' };
const FORMAT = 1;
const REVISION = /^(?:-1|[1-9][0-9]{0,18})$/;

/** Opaque text: format, revision, and the start below the list's prefix. */
export function encodeContinue({ revision, start }: ContinueToken, prefix: string): string {
  const content = JSON.stringify([FORMAT, String(revision ?? -1n), start.slice(prefix.length)]);
  return Buffer.from(content).toString('base64url');
}

/**
 * The way back. Throws `Invalid` for what {@link encodeContinue} can't have made, and for a token of another list: it
 * may have come from anybody, and must not read outside `prefix`.
 */
export function decodeContinue(token: string, prefix: string): ContinueToken {
  const content = contentOf(token);
  if (!Array.isArray(content) || content.length !== 3) throw unreadable();
  const [format, revision, rest] = content as unknown[];
  if (format !== FORMAT) throw unreadable();
  if (typeof revision !== 'string' || !REVISION.test(revision)) throw unreadable();
  if (typeof rest !== 'string' || !isKeyRest(rest)) {
    throw invalidBecause(SUBJECT, 'continue', 'it points outside of the list', SUBJECT.next);
  }
  return { revision: revision === '-1' ? undefined : BigInt(revision), start: prefix + rest };
}

function contentOf(token: string): unknown {
  if (typeof token !== 'string' || !/^[\w-]+$/.test(token)) throw unreadable();
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw unreadable();
  }
}

/** What follows the prefix: at least one character, the NUL that makes it the next key, and no way up. */
function isKeyRest(rest: string): boolean {
  if (!rest.endsWith('\0') || rest.length < 2 || /[^\0-\xff]/.test(rest)) return false;
  return !rest.split('/').some((step) => step === '' || step === '.' || step === '..' || step === '..\0');
}

const unreadable = (): Error => invalidBecause(SUBJECT, 'continue', "it can't be read", SUBJECT.next);
