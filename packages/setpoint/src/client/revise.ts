import {
  type AnyResourceDefinition,
  deepEqual,
  invalid,
  invalidBecause,
  isDeleting,
  isPlainObject,
  kindOf,
  type ObjectMeta,
  type ObjectOf,
  type OwnerReference,
  quote,
  setControllerReference,
  setOwnerReference,
  type Subject,
  validateAnnotations,
  validateFinalizers,
  validateLabels,
  validateOwnerReferences,
  validateSpec,
  validateStatus,
  valueAt,
} from '../resource/index.ts';
import type { ApplyInput, ObjectChanges } from './object-input.ts';

/** How an object is revised. */
interface ReviseOptions {
  readonly subject: Subject;
  /** Fields of the spec that the schema doesn't know, and that are left out, stay. */
  readonly keepUnknown?: boolean;
  /** The object is not stored yet, so that no field keeps what it was created with. */
  readonly isNew?: boolean;
}

/**
 * The next version of objects, as pure functions. Each returns the very same object when nothing would change, and
 * never touches what it doesn't own: spec and metadata here, status in {@link reviseStatus}, nothing a client could
 * set of uid, generation and times. Each throws `Invalid` for what may not be stored.
 */
export function revise<Definition extends AnyResourceDefinition>(
  definition: Definition,
  base: ObjectOf<Definition>,
  changes: ObjectChanges<Definition>,
  options: ReviseOptions,
): ObjectOf<Definition> {
  const metadata = reviseMetadata(base.metadata, changes, options.subject);
  const spec = reviseSpec(definition, base.spec, changes.spec, options);
  if (spec === base.spec) return metadata === base.metadata ? base : { ...base, metadata };
  return { ...base, metadata: { ...metadata, generation: base.metadata.generation + 1 }, spec };
}

/** An object with this status. */
export function reviseStatus<Definition extends AnyResourceDefinition>(
  definition: Definition,
  base: ObjectOf<Definition>,
  input: unknown,
  subject: Subject,
): ObjectOf<Definition> {
  const status = validateStatus(definition, input, { stored: base.status, subject });
  return deepEqual(status, base.status) ? base : { ...base, status };
}

/** What no client sets, once an object is there. */
const DECIDED = ['uid', 'generation', 'creationTimestamp', 'deletionTimestamp', 'managedFields'] as const;

/** The whole of an edited copy as changes. Throws `Invalid` when its status was edited too. */
export function changesOf<Definition extends AnyResourceDefinition>(
  edited: ObjectOf<Definition>,
  base: ObjectOf<Definition>,
  subject: Subject,
): ObjectChanges<Definition> {
  if (edited.status !== undefined && !deepEqual(edited.status, base.status)) {
    throw invalidBecause(subject, 'status', 'it is written apart from the rest', 'Use updateStatus or modifyStatus.');
  }
  for (const field of ['apiVersion', 'kind'] as const) {
    if (edited[field] !== base[field]) throw invalidBecause(subject, field, "it can't be changed");
  }
  for (const field of DECIDED) {
    if (deepEqual(edited.metadata[field], base.metadata[field])) continue;
    throw invalidBecause(subject, `metadata.${field}`, "the library decides it, and it can't be changed");
  }
  return ownParts(edited);
}

/** What of an object a client decides. */
export function ownParts<Definition extends AnyResourceDefinition>({
  metadata,
  spec,
}: ObjectOf<Definition>): ObjectChanges<Definition> {
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = metadata;
  return { labels, annotations, ownerReferences, finalizers, spec };
}

/** The changes that bring an object to what is applied: labels, annotations, owners and finalizers of others stay. */
export function changesToApply<Definition extends AnyResourceDefinition>(
  base: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations' | 'ownerReferences' | 'finalizers'>,
  input: ApplyInput<Definition>,
): ObjectChanges<Definition> {
  let ownerReferences: readonly OwnerReference[] = base.ownerReferences ?? [];
  for (const reference of input.ownerReferences ?? []) ownerReferences = setOwnerReference(ownerReferences, reference);
  if (input.owner !== undefined) checkOwner(input.owner, { what: `Object ${quote(base.name)}` });
  if (input.owner) ownerReferences = setControllerReference({ ...base, ownerReferences }, input.owner);
  return {
    labels: { ...base.labels, ...input.labels },
    annotations: { ...base.annotations, ...input.annotations },
    ownerReferences,
    finalizers: [...new Set([...(base.finalizers ?? []), ...(input.finalizers ?? [])])],
    spec: input.spec,
  };
}

function checkOwner(owner: unknown, subject: Subject): void {
  const { apiVersion, kind, metadata } = (owner ?? {}) as Partial<Record<string, unknown>>;
  const { name, uid } = (metadata ?? {}) as Partial<Record<string, unknown>>;
  if ([apiVersion, kind, name, uid].every((each) => typeof each === 'string')) return;
  throw invalid(subject, 'owner', 'an object as it was read', kindOf(owner), 'It has apiVersion, kind, name and uid.');
}

function reviseMetadata<Definition>(
  base: ObjectMeta,
  changes: ObjectChanges<Definition>,
  subject: Subject,
): ObjectMeta {
  const { labels, annotations, ownerReferences, finalizers } = changes;
  let next = base;
  checkMaps({ labels, annotations }, subject);
  if (differs(labels, base.labels)) {
    validateLabels(labels, 'metadata.labels', subject);
    next = { ...next, labels };
  }
  if (differs(annotations, base.annotations)) {
    validateAnnotations(annotations, 'metadata.annotations', subject);
    next = { ...next, annotations };
  }
  if (differs(ownerReferences, base.ownerReferences)) {
    validateOwnerReferences(ownerReferences, subject);
    next = { ...next, ownerReferences };
  }
  if (differs(finalizers, base.finalizers)) {
    validateFinalizers(finalizers, subject);
    refuseNewFinalizers(base, finalizers, subject);
    next = { ...next, finalizers };
  }
  return next;
}

/** The types say so; callers from JavaScript may not know. */
function checkMaps(maps: { readonly labels: unknown; readonly annotations: unknown }, subject: Subject): void {
  for (const [name, map] of Object.entries(maps)) {
    if (map === undefined || isPlainObject(map)) continue;
    throw invalid(subject, `metadata.${name}`, 'an object of texts', kindOf(map), 'An empty one takes all away.');
  }
}

/** Whether a list or map was given and says something else than what is there. None and an empty one are the same. */
function differs<T extends object>(given: T | undefined, base: T | undefined): given is T {
  if (given === undefined) return false;
  if (given === null) return true;
  return base === undefined ? Object.keys(given).length > 0 : !deepEqual(given, base);
}

function refuseNewFinalizers(base: ObjectMeta, finalizers: readonly string[], subject: Subject): void {
  if (!isDeleting(base)) return;
  const added = finalizers.find((finalizer) => base.finalizers?.includes(finalizer) !== true);
  if (added === undefined) return;
  const reason = `the object is being deleted, so ${quote(added)} can't be added`;
  throw invalidBecause(subject, 'metadata.finalizers', reason, 'Wait until it is gone and create it again.');
}

function reviseSpec<Definition extends AnyResourceDefinition>(
  definition: Definition,
  stored: ObjectOf<Definition>['spec'],
  input: unknown,
  options: ReviseOptions,
): ObjectOf<Definition>['spec'] {
  if (input === undefined || deepEqual(input, stored)) return stored;
  const { isNew = stored === undefined, ...context } = options;
  const spec = validateSpec(definition, input, { ...context, stored });
  if (deepEqual(spec, stored)) return stored;
  if (!isNew) refuseImmutable(definition, { before: { spec: stored }, after: { spec } }, options.subject);
  return spec;
}

function refuseImmutable(
  { kind, immutable = [] }: AnyResourceDefinition,
  { before, after }: { readonly before: object; readonly after: object },
  subject: Subject,
): void {
  const changed = immutable.find((path) => !deepEqual(valueAt(before, path), valueAt(after, path)));
  if (changed === undefined) return;
  const next = `Delete the ${kind} and create it again, or leave the field as it is.`;
  throw invalidBecause(subject, changed, 'it keeps the value that it was created with', next);
}
