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
import type { Revision } from '../store/index.ts';
import { isWaiting } from './waiting.ts';

/** A kind whose objects are collected, and whose objects may be owners. */
export interface CollectedKind {
  readonly definition: AnyResourceDefinition;
  /** Its shared cache. Somebody else runs it. */
  readonly informer: Pick<Informer<ResourceObject>, 'lister' | 'addIndex' | 'addEventHandler' | 'waitFor'>;
}

/** Where one object of a collected kind is, or would be. */
export interface ObjectPlace {
  readonly kind: CollectedKind;
  readonly key: ObjectKey;
}

/** Names one object of one kind. A string, so that it can wait in a queue. */
export type ObjectId = string;

/** An owner reference, resolved to where that owner would be. */
export interface OwnerPlace {
  readonly kind: CollectedKind;
  readonly ref: ObjectName;
}

/** As long as a key waits for its own writes. */
const CATCH_UP_TIMEOUT_MS = 3000;
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
  placeOf(id: ObjectId): ObjectPlace | undefined {
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

  /** The same as the caches have them. */
  cachedDependents(uid: string): readonly ResourceObject[] {
    return this.kinds.flatMap(({ informer }) => informer.lister.byIndex(OWNER_UID, uid));
  }

  /** The owners of an object that wait for it, or for its release, as the caches see it. */
  waitingOwners({ metadata }: ResourceObject): ObjectId[] {
    return (metadata.ownerReferences ?? []).flatMap((reference) => {
      const place = this.ownerPlace(metadata, reference);
      const owner = place && this.cachedOwner(place, reference.uid);
      return place && owner && isWaiting(owner) ? [this.idOf(place.kind, objectKey(place.ref))] : [];
    });
  }

  /** Resolves when every cache shows the store at `revision`; rejects with `Timeout`. */
  async caughtUp(revision: Revision, signal: AbortSignal): Promise<void> {
    const options = { timeoutMs: CATCH_UP_TIMEOUT_MS, signal };
    await Promise.all(this.kinds.map(({ informer }) => informer.waitFor(revision, options)));
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
  isCached(place: OwnerPlace, uid: string): boolean {
    return this.cachedOwner(place, uid) !== undefined;
  }

  cachedOwner({ kind, ref }: OwnerPlace, uid: string): ResourceObject | undefined {
    const found = kind.informer.lister.get(objectKey(ref));
    return found?.metadata.uid === uid ? found : undefined;
  }
}

export function ownersOf(object: ResourceObject): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? [];
}

/** `apps/v1` is of group `apps`. */
function groupOf(apiVersion: string): string {
  return apiVersion.slice(0, Math.max(apiVersion.lastIndexOf('/'), 0));
}
