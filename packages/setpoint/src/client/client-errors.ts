import { type ErrorCode, SetpointError } from '../errors/index.ts';
import { quote } from '../resource/index.ts';
import type { Target } from './object-ref.ts';

/** The errors of single objects: kind and key, what is the matter, what to do next. */
const about = (code: ErrorCode, target: Target, message: string, revision?: bigint): SetpointError =>
  new SetpointError(code, `${target.subject.what}: ${message}`, {
    details: { key: target.storeKey, ...(revision === undefined ? {} : { revision }) },
  });

export const notFound = (target: Target): SetpointError =>
  about('NotFound', target, 'there is no such object. Create it, or stop caring for it.');

export const alreadyExists = (target: Target, revision: bigint | undefined): SetpointError =>
  about('AlreadyExists', target, 'there is one already. Read and update it, or use apply.', revision);

/** `current` is the revision that it has by now, undefined when it is gone. */
export function conflict(target: Target, base: string, current: bigint | undefined): SetpointError {
  const now = current === undefined ? 'it is gone by now' : `it is at ${current} by now`;
  const next = 'Nothing was written. Read it again and decide again, or use modify.';
  return about('Conflict', target, `the write was based on revision ${base}, and ${now}. ${next}`, current);
}

export const otherIncarnation = (target: Target, expected: string, current: string): SetpointError =>
  about(
    'Conflict',
    target,
    `its uid is ${quote(current)}, not ${quote(expected)}: the object that was meant is gone and another has its name. ` +
      'Nothing was written. Read it again and decide again.',
  );

export const tooContended = (target: Target, attempts: number, current: bigint | undefined): SetpointError =>
  about(
    'Conflict',
    target,
    `somebody else wrote it first, ${attempts} times in a row. Nothing was written. Try again later, with fewer writers.`,
    current,
  );

export function outcomeUnknown(target: Target, cause: unknown): SetpointError {
  const message =
    `${target.subject.what}: no answer came to the write and reading back didn't settle whether it was applied. ` +
    'Read the object before deciding again.';
  return new SetpointError('OutcomeUnknown', message, { cause, details: { key: target.storeKey } });
}
