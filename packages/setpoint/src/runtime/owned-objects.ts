import type { Client } from '../client/index.ts';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import type { Lister } from '../informer/index.ts';
import {
  type AnyResourceDefinition,
  controllerOf,
  type DeepReadonly,
  isDeleting,
  objectKey,
  type ObjectOf,
  ownerReferenceTo,
  type ResourceObject,
  type SpecInputOf,
} from '../resource/index.ts';

/** What an owned object should look like. */
export interface OwnedInput<Kind> {
  /** Choose it so that the next reconcile chooses the same: then nothing is ever made twice. */
  readonly name: string;
  /** Only for a cluster-scoped owner; otherwise the owner's, always. Default then: `default`. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: DeepReadonly<SpecInputOf<Kind>>;
}

/** The objects of one kind that one object manages. They are collected when it is deleted. */
export interface OwnedObjects<Kind> {
  /** Those the cache has, by name; also those that are being deleted. */
  readonly list: () => readonly ObjectOf<Kind>[];
  /**
   * Creates the object, managed by the owner and in its namespace, or brings the existing one to this. Writes nothing
   * when it is so already. Throws `Conflict` when somebody else manages an object of that name.
   */
  readonly apply: (input: OwnedInput<Kind>) => Promise<ObjectOf<Kind>>;
  /**
   * Creates the object as {@link OwnedObjects.apply} does, and fails with `AlreadyExists` when there is one: for
   * objects that others write to once they exist, which an `apply` would take back.
   */
  readonly create: (input: OwnedInput<Kind>) => Promise<ObjectOf<Kind>>;
  /** Deletes one of them: this very one, not another of its name. One that is gone already is fine. */
  readonly delete: (object: ObjectOf<Kind>) => Promise<void>;
}

/** The index by which {@link OwnedObjects.list} finds them. */
export const MANAGER_INDEX = 'setpoint.runtime/manager-uid';

/** Files an object under the uid of the owner that manages it. */
export function managerUid(object: ResourceObject): readonly string[] {
  const manager = controllerOf(object.metadata);
  return manager ? [manager.uid] : [];
}

export interface OwnedObjectsOptions<Kind extends AnyResourceDefinition> {
  readonly kind: Kind;
  readonly owner: ResourceObject;
  readonly lister: Lister<ObjectOf<Kind>>;
  /** Lends the client, to those that write. */
  readonly scope: { readonly client: Client };
}

export function ownedObjects<Kind extends AnyResourceDefinition>(
  options: OwnedObjectsOptions<Kind>,
): OwnedObjects<Kind> {
  const { kind, owner, lister, scope } = options;
  return {
    list: () =>
      lister
        .byIndex(MANAGER_INDEX, owner.metadata.uid)
        .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    async apply(input) {
      const place = { name: input.name, ...namespaceOf(kind, owner, input.namespace) };
      // Where the cache has it as it should be, the store is not asked: what changes it later is an event.
      const from = lister.get(objectKey(place));
      return await scope.client.resource(kind).apply({ ...input, ...place, owner }, { from });
    },
    async create(input) {
      const place = { name: input.name, ...namespaceOf(kind, owner, input.namespace) };
      const ownerReferences = [ownerReferenceTo(owner)];
      return await scope.client.resource(kind).create({ ...input, ...place, ownerReferences });
    },
    async delete(object) {
      if (controllerOf(object.metadata)?.uid !== owner.metadata.uid) {
        throw new SetpointError(
          'Invalid',
          `${kind.kind} '${object.metadata.name}' is not managed by this ${owner.kind}: it is not its to delete`,
        );
      }
      if (isDeleting(object.metadata)) return;
      await scope.client.resource(kind).delete(object, { uid: object.metadata.uid }).catch(ignoreGone);
    },
  };
}

function namespaceOf(
  kind: AnyResourceDefinition,
  owner: ResourceObject,
  asked: string | undefined,
): { namespace?: string } {
  const { namespace } = owner.metadata;
  if (kind.scope === 'Cluster') {
    if (namespace === undefined) return {};
    throw new SetpointError(
      'Invalid',
      `${kind.kind} is cluster-scoped: ${owner.kind}, which has a namespace, can't own one`,
    );
  }
  if (namespace !== undefined && asked !== undefined && asked !== namespace) {
    throw new SetpointError(
      'Invalid',
      `an owned ${kind.kind} lives in its owner's namespace '${namespace}'; got '${asked}'`,
    );
  }
  return { namespace: namespace ?? asked ?? 'default' };
}

/** Gone, or another incarnation: either way this very one is no more. */
function ignoreGone(error: unknown): void {
  if (!isSetpointError(error, 'NotFound') && !isSetpointError(error, 'Conflict')) throw error;
}
