/** A thrown value as log fields: enough to find the place, bounded whatever was thrown. */
export interface ErrorDescription {
  /** The error's name, or the type of what was thrown instead of one. */
  readonly type: string;
  /** An error code, where it has one. */
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
}

const MESSAGE_MAX = 1024;
const STACK_MAX = 4096;

/** Never throws, also when reading the thrown value does. */
export function describeError(error: unknown): ErrorDescription {
  try {
    if (!(error instanceof Error))
      return { type: error === null ? 'null' : typeof error, message: truncate(textOf(error), MESSAGE_MAX) };
    const { code } = error as { code?: unknown };
    return {
      type: error.name,
      ...(typeof code === 'string' ? { code } : {}),
      message: truncate(error.message, MESSAGE_MAX),
      ...(error.stack === undefined ? {} : { stack: truncate(error.stack, STACK_MAX) }),
    };
  } catch {
    return { type: typeof error, message: 'an error that can not be read' };
  }
}

/**
 * A thrown value as one short text to keep, `name: message`. The stack is not looked at, which would cost more than all
 * else; and what was cut off is let go of, which a plain slice would hold.
 */
export function errorSummary(error: unknown, max: number): string {
  try {
    const isError = error instanceof Error;
    const type = isError ? error.name : error === null ? 'null' : typeof error;
    const text = `${type}: ${isError ? error.message : textOf(error)}`;
    return text.length <= max ? text : Buffer.from(truncate(text, max)).toString();
  } catch {
    return 'an error that can not be read';
  }
}

/** Objects are not printed: they may hold anything. */
function textOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null)
    return `a thrown ${thrown.constructor?.name ?? 'object'} that is no Error`;
  return String(thrown);
}

function truncate(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length - max} more characters)`;
}
