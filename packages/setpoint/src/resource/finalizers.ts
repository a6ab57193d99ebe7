import { invalid, kindOf, quote, type Subject } from './describe.ts';
import { validateQualifiedName } from './names.ts';
import type { ObjectMeta } from './object-meta.ts';

/** Anything with finalizers: metadata, or an input that will become it. */
type HasFinalizers = Pick<ObjectMeta, 'finalizers'>;

/** On an object that waits for what it owns to go first. The garbage collector takes it off. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
/** On an object whose dependents are to be released before it goes. The garbage collector takes it off. */
export const ORPHAN_FINALIZER = 'orphan';

export function hasFinalizer(meta: HasFinalizers, finalizer: string): boolean {
  return meta.finalizers?.includes(finalizer) ?? false;
}

/** The finalizers with this one, at the end: the very same array when it is there already. */
export function withFinalizer(meta: HasFinalizers, finalizer: string): readonly string[] {
  return hasFinalizer(meta, finalizer) ? meta.finalizers! : [...(meta.finalizers ?? []), finalizer];
}

/** The finalizers without this one: the very same array when it isn't there. */
export function withoutFinalizer(meta: HasFinalizers, finalizer: string): readonly string[] {
  if (!hasFinalizer(meta, finalizer)) return meta.finalizers ?? [];
  return meta.finalizers!.filter((other) => other !== finalizer);
}

/** Whether a delete was asked for and the object only waits for its finalizers. */
export function isDeleting(meta: Pick<ObjectMeta, 'deletionTimestamp'>): boolean {
  return meta.deletionTimestamp !== undefined;
}

/** Refuses what is not a list of distinct qualified names, with `Invalid`. */
export function validateFinalizers(finalizers: unknown, subject: Subject): asserts finalizers is readonly string[] {
  const path = 'metadata.finalizers';
  if (!Array.isArray(finalizers)) throw invalid(subject, path, 'an array of strings', kindOf(finalizers));
  const names = finalizers as unknown[];
  for (const [index, name] of names.entries()) {
    validateQualifiedName(name, `${path}[${index}]`, subject);
    if (names.indexOf(name) !== index)
      throw invalid(subject, `${path}[${index}]`, 'each one once', quote(String(name)));
  }
}
