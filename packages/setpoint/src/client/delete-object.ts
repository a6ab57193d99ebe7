import { isSetpointError, type SetpointError } from '../errors/index.ts';
import {
  type AnyResourceDefinition,
  FOREGROUND_FINALIZER,
  invalid,
  isDeleting,
  kindOf,
  type ObjectOf,
  ORPHAN_FINALIZER,
  timestamp,
  withFinalizer,
} from '../resource/index.ts';
import { conflict, otherIncarnation } from './client-errors.ts';
import type { Target } from './object-ref.ts';
import type { ObjectWriter } from './object-writer.ts';
import { callOptions } from './call-options.ts';
import { replaceUntilDone } from './replace-loop.ts';
import { selectedPages } from './selected-pages.ts';
import { selectionOf, type SelectOptions } from './selection.ts';
import { type DeleteOptions, type Preconditions, retryOf } from './write-options.ts';

/** Marks an object as being deleted, which deletes it where no finalizer holds it. `from` is its first base. */
export async function deleteObject<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  { target, from }: { readonly target: Target; readonly from: ObjectOf<Definition> | undefined },
  options: DeleteOptions<Definition>,
): Promise<ObjectOf<Definition>> {
  const added = finalizerFor(options.propagation, target);
  return await replaceUntilDone(writer, { target, from, ...retryOf(options) }, (base) => {
    refuseOther(target, base, options);
    if (isDeleting(base.metadata) || options.only?.(base) === false) return undefined;
    const deletionTimestamp = timestamp(writer.context.clock.wallNow());
    const finalizers = added && { finalizers: withFinalizer(base.metadata, added) };
    return { ...base, metadata: { ...base.metadata, ...finalizers, deletionTimestamp } };
  });
}

/** Throws `Conflict` when an object isn't the one that is meant. */
export function refuseOther(
  target: Target,
  { metadata: { uid, resourceVersion } }: ObjectOf<AnyResourceDefinition>,
  expected: Preconditions,
): void {
  if (expected.uid !== undefined && expected.uid !== uid) throw otherIncarnation(target, expected.uid, uid);
  if (expected.resourceVersion !== undefined && expected.resourceVersion !== resourceVersion) {
    throw conflict(target, expected.resourceVersion, BigInt(resourceVersion));
  }
}

function finalizerFor(propagation: unknown, { subject }: Target): string | undefined {
  switch (propagation) {
    case undefined:
    case 'Background':
      return undefined;
    case 'Foreground':
      return FOREGROUND_FINALIZER;
    case 'Orphan':
      return ORPHAN_FINALIZER;
    default:
      throw invalid(subject, 'propagation', '"Background", "Foreground" or "Orphan"', kindOf(propagation));
  }
}

export interface DeleteCollectionOptions
  extends SelectOptions, Pick<DeleteOptions, 'propagation' | 'dryRun' | 'signal' | 'timeoutMs'> {}

/** What a delete of many came to. */
export interface DeletedCollection<Definition> {
  /** As a delete of one returns it. */
  readonly deleted: readonly ObjectOf<Definition>[];
  /** Keys that are there but can't be read, which are left alone. */
  readonly unreadable: readonly SetpointError[];
}

const AT_ONCE = 16;

/**
 * Deletes every object that is selected, page by page, several at once. Each is deleted only while it is still selected;
 * one that is gone already counts as nothing. It is no transaction: a failure leaves those deleted that were.
 */
export async function deleteCollection<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: DeleteCollectionOptions,
): Promise<DeletedCollection<Definition>> {
  const { propagation, dryRun } = options;
  const { matches } = selectionOf(writer.definition, writer.context.prefix, options);
  const only = (base: ObjectOf<Definition>): boolean => !matches || matches(base);
  const deleted: ObjectOf<Definition>[] = [];
  const deleteOne = async (object: ObjectOf<Definition>): Promise<void> => {
    const { uid } = object.metadata;
    const target = writer.target(object);
    try {
      const each = { propagation, dryRun, only, ...callOptions(options) };
      const gone = await deleteObject(writer, { target, from: object }, each);
      if (only(gone)) deleted.push(gone);
    } catch (error) {
      if (isSetpointError(error, 'NotFound')) return;
      // Another object of its name by now: nobody selected that one.
      if (isSetpointError(error, 'Conflict') && error.message.includes(uid)) return;
      throw error;
    }
  };
  const unreadable: SetpointError[] = [];
  for await (const page of selectedPages(writer, options)) {
    unreadable.push(...page.unreadable);
    for (let at = 0; at < page.items.length; at += AT_ONCE) {
      await Promise.all(page.items.slice(at, at + AT_ONCE).map(deleteOne));
    }
  }
  return { deleted, unreadable };
}
