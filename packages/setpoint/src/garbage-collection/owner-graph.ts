import type { Informer } from '../informer/index.ts';
import {
  type AnyResourceDefinition,
  isDnsSubdomain,
  type ObjectKey,
  objectKey,
  type ObjectMeta,
  type ObjectName,
  type OwnerReference,
  type ResourceObject,
} from '../resource/index.ts';

/** A kind whose objects are collected, and whose objects may be owners. */
export interface CollectedKind {
  readonly definition: AnyResourceDefinition;
  /** Its shared cache. Somebody else runs it. */
  readonly informer: Pick<Informer<ResourceObject>, 'lister' | 'addIndex' | 'addEventHandler'>;
}

/** Names one object of one kind. A string, so that it can wait in a queue. */
export type ObjectId = string;

/** An owner reference, resolved to where that owner would be. */
export interface OwnerPlace {
  readonly kind: CollectedKind;
  readonly ref: ObjectName;
}

const OWNER_UID = 'setpoint.garbage-collection/owner-uid';

/** Who owns whom, as the caches see it. */
export class OwnerGraph {
  readonly kinds: readonly CollectedKind[];

  /** Adds an index to every cache. */
  constructor(kinds: readonly CollectedKind[]) {
    this.kinds = kinds;
    for (const { informer } of kinds) informer.addIndex(OWNER_UID, (object) => ownersOf(object).map(({ uid }) => uid));
  }

  idOf({ definition }: CollectedKind, key: string): ObjectId {
    return `${definition.plural}.${definition.group}:${key}`;
  }

  /** The way back from {@link OwnerGraph.idOf}. */
  placeOf(id: ObjectId): { readonly kind: CollectedKind; readonly key: ObjectKey } | undefined {
    const colon = id.indexOf(':');
    const kind = this.kinds.find(({ definition }) => `${definition.plural}.${definition.group}` === id.slice(0, colon));
    return kind && { kind, key: id.slice(colon + 1) as ObjectKey };
  }

  /** Everything, of any kind, that names this uid as an owner. */
  dependentsOf(uid: string): ObjectId[] {
    return this.kinds.flatMap((kind) =>
      kind.informer.lister.byIndex(OWNER_UID, uid).map(({ metadata }) => this.idOf(kind, objectKey(metadata))),
    );
  }

  /**
   * Where the owner that `reference` means would be, in whatever version. Undefined where nothing can be known of it:
   * its kind isn't collected, or the reference makes no sense.
   */
  ownerPlace(dependent: ObjectMeta, reference: OwnerReference): OwnerPlace | undefined {
    const kind = this.kinds.find(
      ({ definition }) => definition.kind === reference.kind && definition.group === groupOf(reference.apiVersion),
    );
    if (!kind || !isDnsSubdomain(reference.name)) return undefined;
    if (kind.definition.scope === 'Cluster') return { kind, ref: { name: reference.name } };
    // A cluster-scoped object can't say in which namespace its owner is.
    if (dependent.namespace === undefined) return undefined;
    return { kind, ref: { namespace: dependent.namespace, name: reference.name } };
  }

  /** Whether a cache shows this very owner. When not, it may be gone or only not have arrived. */
  isCached({ kind, ref }: OwnerPlace, uid: string): boolean {
    return kind.informer.lister.get(objectKey(ref))?.metadata.uid === uid;
  }
}

export function ownersOf(object: ResourceObject): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? [];
}

/** `apps/v1` is of group `apps`. */
function groupOf(apiVersion: string): string {
  return apiVersion.slice(0, Math.max(apiVersion.lastIndexOf('/'), 0));
}
