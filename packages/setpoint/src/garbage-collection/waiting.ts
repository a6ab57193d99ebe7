import {
  FOREGROUND_FINALIZER,
  hasFinalizer,
  isDeleting,
  ORPHAN_FINALIZER,
  type ResourceObject,
} from '../resource/index.ts';

type Marked = Pick<ResourceObject, 'metadata'>;

/** Whether an object is being deleted and waits for the collector: for its dependents to go, or to be released. */
export function isWaiting(object: Marked): boolean {
  return isDeletingForeground(object) || isOrphaning(object);
}

/** Its dependents go first. */
export function isDeletingForeground({ metadata }: Marked): boolean {
  return isDeleting(metadata) && hasFinalizer(metadata, FOREGROUND_FINALIZER);
}

/** Its dependents are to stay. */
export function isOrphaning({ metadata }: Marked): boolean {
  return isDeleting(metadata) && hasFinalizer(metadata, ORPHAN_FINALIZER);
}
