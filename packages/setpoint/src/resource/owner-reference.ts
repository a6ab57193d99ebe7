import { SetpointError } from '../errors/index.ts';
import type { ResourceObject } from './definition.ts';
import { invalid, invalidBecause, kindOf, quote, type Subject } from './describe.ts';
import type { ObjectMeta, OwnerReference } from './object-meta.ts';

/** As much of an object as a reference to it takes. */
type Owner = Pick<ResourceObject, 'apiVersion' | 'kind'> & {
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>;
};
/** As much of an object as its owners take. */
type Dependent = Pick<ObjectMeta, 'name' | 'namespace' | 'ownerReferences'>;

export interface OwnerReferenceOptions {
  /** Whether this owner manages the object. Default true. */
  readonly controller?: boolean;
  /** Default: what `controller` is. */
  readonly blockOwnerDeletion?: boolean;
}

/** A reference to `owner`, for the `ownerReferences` of an object that exists for its sake. */
export function ownerReferenceTo(owner: Owner, options: OwnerReferenceOptions = {}): OwnerReference {
  const controller = options.controller ?? true;
  const { name, uid } = owner.metadata;
  const blockOwnerDeletion = options.blockOwnerDeletion ?? controller;
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller, blockOwnerDeletion };
}

/** The reference to the owner that manages the object, if it has one. */
export function controllerOf(meta: Pick<ObjectMeta, 'ownerReferences'>): OwnerReference | undefined {
  return meta.ownerReferences?.find((reference) => reference.controller === true);
}

/**
 * The owner references of `dependent` with `owner` as its controller: the very same array when it is that already.
 * Throws `Conflict` when another owner controls it, `Invalid` when the two live in different namespaces.
 */
export function setControllerReference(dependent: Dependent, owner: Owner): readonly OwnerReference[] {
  refuseOtherNamespace(dependent, owner);
  const current = controllerOf(dependent);
  if (current !== undefined && current.uid !== owner.metadata.uid) {
    throw new SetpointError(
      'Conflict',
      `Object ${quote(dependent.name)}: ${current.kind} ${quote(current.name)} controls it already, so ${owner.kind} ` +
        `${quote(owner.metadata.name)} can't. Choose another name for the object, or release it from its owner first.`,
    );
  }
  return setOwnerReference(dependent.ownerReferences, ownerReferenceTo(owner));
}

/** The references with this one in place of the one to the same owner (by uid), or at the end; same array if equal. */
export function setOwnerReference(
  references: readonly OwnerReference[] | undefined,
  reference: OwnerReference,
): readonly OwnerReference[] {
  const before = references?.find((other) => other.uid === reference.uid);
  if (!before) return [...(references ?? []), reference];
  if (sameReference(before, reference)) return references!;
  return references!.map((other) => (other === before ? reference : other));
}

/** Refuses what is not a list of references to distinct owners, at most one of them controlling, with `Invalid`. */
export function validateOwnerReferences(
  references: unknown,
  subject: Subject,
): asserts references is readonly OwnerReference[] {
  const path = 'metadata.ownerReferences';
  if (!Array.isArray(references)) throw invalid(subject, path, 'an array', kindOf(references));
  const uids = new Set<string>();
  let controllers = 0;
  for (const [index, reference] of references.entries()) {
    if (typeof reference !== 'object' || reference === null) {
      throw invalid(subject, `${path}[${index}]`, 'an object', kindOf(reference));
    }
    const fields = reference as Record<string, unknown>;
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      const text = fields[field];
      if (typeof text === 'string' && text !== '') continue;
      throw invalid(subject, `${path}[${index}].${field}`, 'a string', text === '' ? 'an empty one' : kindOf(text));
    }
    const { uid, controller } = reference as OwnerReference;
    if (uids.has(uid)) throw invalid(subject, `${path}[${index}].uid`, 'each owner once', 'one twice');
    uids.add(uid);
    if (controller === true) controllers++;
  }
  if (controllers > 1) throw invalid(subject, path, 'at most one controller', String(controllers));
}

function refuseOtherNamespace(dependent: Dependent, owner: Owner): void {
  const { namespace } = owner.metadata;
  if (namespace === undefined || namespace === dependent.namespace) return;
  const subject = { what: `Object ${quote(dependent.name)}` };
  const reason = `its owner ${owner.kind} ${quote(owner.metadata.name)} is in namespace ${quote(namespace)}`;
  const next = 'An owner is cluster-scoped or in the namespace of what it owns.';
  throw invalidBecause(subject, 'metadata.ownerReferences', reason, next);
}

function sameReference(left: OwnerReference, right: OwnerReference): boolean {
  return (
    left.apiVersion === right.apiVersion &&
    left.kind === right.kind &&
    left.name === right.name &&
    (left.controller ?? false) === (right.controller ?? false) &&
    (left.blockOwnerDeletion ?? false) === (right.blockOwnerDeletion ?? false)
  );
}
