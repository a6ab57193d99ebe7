import type { ObjectRef } from '../client/index.ts';
import { type AnyResourceDefinition, objectKey, type ObjectMeta, type OwnerReference } from '../resource/index.ts';

/**
 * Which keys to reconcile because of `object`, whose own key is `key`. Called for the old and the new state of an
 * update, so that whoever was concerned before hears of it too. Must be pure and quick. When it throws on its way, the
 * keys that it has given count.
 */
export type ToKeys<T> = (object: T, key: string) => Iterable<string>;

interface WithMetadata {
  readonly metadata: ObjectMeta;
}

/** The object itself. */
export const enqueueObject: ToKeys<unknown> = (_object, key) => [key];

export interface EnqueueOwnerOptions {
  /** The kind of owner to enqueue. References match by group and kind, of whatever version. */
  readonly owner: AnyResourceDefinition;
  /** Only the owner that manages the object, not every owner. Default true. */
  readonly controllerOnly?: boolean;
}

/** The objects of one kind that own this one. An owned object's namespace is its owner's, if the owner has any. */
export function enqueueOwner(options: EnqueueOwnerOptions): ToKeys<WithMetadata> {
  const { owner, controllerOnly = true } = options;
  const matches = (reference: OwnerReference): boolean =>
    reference.kind === owner.kind &&
    groupOf(reference.apiVersion) === owner.group &&
    (reference.controller === true || !controllerOnly);
  return ({ metadata }) => {
    const namespace = owner.scope === 'Namespaced' ? metadata.namespace : undefined;
    return refKeys((metadata.ownerReferences ?? []).filter(matches).map(({ name }) => ({ name, namespace })));
  };
}

/** Whatever `map` says: for objects that concern others without being owned by them. */
export function enqueueMapped<T>(map: (object: T) => Iterable<ObjectRef>): ToKeys<T> {
  return (object) => refKeys(map(object));
}

/**
 * The keys that references mean, as `keyOf` reads them. One that can't be any costs no other its key: it is thrown once
 * all were given.
 */
export function* refKeys(
  refs: Iterable<ObjectRef>,
  keyOf: (ref: ObjectRef) => string = refKey,
): Generator<string, void> {
  const failures: unknown[] = [];
  for (const ref of refs) {
    let key: string;
    try {
      key = keyOf(ref);
    } catch (error) {
      failures.push(error);
      continue;
    }
    yield key;
  }
  if (failures.length > 0) throw failures[0];
}

/** The key that a reference means. */
export function refKey(ref: ObjectRef): string {
  if (typeof ref === 'string') return ref;
  const { namespace, name } = 'metadata' in ref ? ref.metadata : ref;
  return keyIn(namespace, name);
}

function keyIn(namespace: string | undefined, name: string): string {
  return objectKey(namespace === undefined ? { name } : { namespace, name });
}

/** `apps/v1` is of group `apps`; `v1` alone is of the core group, the empty one. */
function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
