import { invalid, isPlainObject, kindOf, type ObjectOf, type Subject } from '../resource/index.ts';
import type { ObjectRef } from './object-ref.ts';

/** What is written on condition of its version has to be an object as it was read, not only its name. */
export function refuseReference(given: unknown, subject: Subject): void {
  if (typeof given === 'object' && given !== null && 'metadata' in given) return;
  throw invalid(subject, 'object', 'an object as it was read', kindOf(given), 'Use modify to write by name.');
}

/** What changes an object has to be a function: it may run on several versions of it. */
export function checkFunction(change: unknown, subject: Subject): void {
  if (typeof change !== 'function') {
    throw invalid(
      subject,
      'change',
      'a function of the current object',
      kindOf(change),
      'Use update to write changes.',
    );
  }
}

/** What a function made of an object: something or nothing, and not later. What it throws is thrown as it is. */
export function madeBy<Base, Made extends object>(
  change: (base: Base) => Made | undefined,
  base: Base,
  subject: Subject,
): Made | undefined {
  const made: unknown = change(base);
  if (made === undefined) return undefined;
  if (made instanceof Promise) {
    made.catch(() => {});
    const next = 'It may run many times: ask for whatever it needs before.';
    throw invalid(subject, 'change', 'changes, at once', 'a Promise', next);
  }
  if (!isPlainObject(made)) throw invalid(subject, 'change', 'changes, an edited copy, or nothing', kindOf(made));
  return made as Made;
}

/** A reference that is a whole object serves as the first base. */
export function givenObject<Definition>(ref: ObjectRef | ObjectOf<Definition>): ObjectOf<Definition> | undefined {
  return typeof ref === 'object' && 'metadata' in ref && 'spec' in ref ? ref : undefined;
}
