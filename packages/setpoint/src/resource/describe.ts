import { type ErrorDetails, SetpointError } from '../errors/index.ts';

/** What an `Invalid` error is about, and what its reader can do next. */
export interface Subject {
  /** Such as `Website "default/web"`. */
  readonly what: string;
  /** A sentence: the next step. */
  readonly next?: string;
  readonly details?: ErrorDetails;
}

/** An `Invalid` error that says where, what was expected and what kind of thing came, never the thing itself. */
export function invalid(
  subject: Subject,
  path: string,
  expected: string,
  came: string,
  hint: string | undefined = subject.next,
): SetpointError {
  return invalidBecause(subject, path, `expected ${expected}, got ${came}`, hint);
}

/** The same for a reason that is a sentence of its own. */
export function invalidBecause(
  subject: Subject,
  path: string,
  reason: string,
  hint: string | undefined = subject.next,
): SetpointError {
  const where = path === '' ? subject.what : `${subject.what}: ${path}`;
  const message = `${where}: ${reason}.${hint === undefined ? '' : ` ${hint}`}`;
  return new SetpointError('Invalid', message, { details: { ...subject.details, ...(path === '' ? {} : { path }) } });
}

/** What kind of thing a value is, in words for a message. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return 'an object';
  const { constructor } = value;
  return typeof constructor === 'function' ? `a ${constructor.name}` : 'an object';
}

const UNPRINTABLE = /[^\x20-\x7e]/gu;
const QUOTED_MAX = 80;

/** A name or key for a message: in quotes, cut when long, with everything but printable ASCII escaped. */
export function quote(text: string): string {
  const cut = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…(${text.length} characters)` : text;
  const escaped = JSON.stringify(cut).replace(UNPRINTABLE, (character) =>
    character === '…' ? '...' : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  return escaped;
}
