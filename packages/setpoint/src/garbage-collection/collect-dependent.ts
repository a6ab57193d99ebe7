import type { Result } from '../controller/index.ts';
import { isDeleting, type OwnerReference, type ResourceObject } from '../resource/index.ts';
import type { Collecting } from './collecting.ts';
import { type ObjectPlace, type OwnerGraph, ownersOf } from './owner-graph.ts';
import { ignoreGone } from './release-owner.ts';
import { isDeletingForeground, isOrphaning } from './waiting.ts';

/** What the store says of the owners of one object, as it stands. */
interface Owners {
  /** Those that are there, or that nothing can be known of. */
  readonly solid: readonly OwnerReference[];
  /** Those that wait for their dependents to go first. */
  readonly waiting: readonly OwnerReference[];
  /** One of them is being deleted and is to leave its dependents: nothing is decided before it has. */
  readonly orphaning: boolean;
  /** One is in the store and not in the cache yet: no event would tell when it goes. */
  readonly uncached: boolean;
}

/**
 * Decides over one object that has owners. The caches only spare the store the question: most objects have owners that
 * are all there. When they don't show them all, the store is asked for the object first and its owners after it, so
 * that an object that is deleted was without an owner while it stood as it does.
 */
export async function collectDependent(
  place: ObjectPlace,
  cached: ResourceObject,
  collecting: Collecting,
): Promise<Result | void> {
  const { graph, client, logger, signal } = collecting;
  if (ownersOf(cached).length === 0 || hasSolidOwners(cached, graph)) return undefined;
  const { definition } = place.kind;
  const objects = client.resource(definition);
  const object = await objects.find(place.key, { signal });
  if (!object || isDeleting(object.metadata) || ownersOf(object).length === 0) return undefined;
  const owners = await judge(object, collecting);
  if (owners.orphaning) return owners.uncached ? { requeue: true } : undefined;
  if (owners.solid.length > 0) {
    // With an owner left it stays, without the others: they would make it go together with its last one.
    if (owners.solid.length < ownersOf(object).length) {
      await objects.update(object, { ownerReferences: owners.solid }, { signal }).catch(ignoreGone);
    }
    return owners.uncached ? { requeue: true } : undefined;
  }
  const { uid, resourceVersion } = object.metadata;
  const foreground = owners.waiting.length > 0 && graph.cachedDependents(uid).length > 0;
  const propagation = foreground ? 'Foreground' : 'Background';
  await objects.delete(place.key, { uid, resourceVersion, propagation, signal }).catch(ignoreGone);
  logger.info({ kind: definition.kind, key: place.key }, 'deleted, because none of its owners exists any more');
  return undefined;
}

/**
 * Whether every owner is in the caches, and none of them is on its way out with its dependents: then there is nothing to
 * decide before one of them changes, which is told of.
 */
export function hasSolidOwners(object: ResourceObject, graph: OwnerGraph): boolean {
  return ownersOf(object).every((reference) => {
    const owner = graph.ownerPlace(object.metadata, reference);
    if (!owner) return true;
    const cached = graph.cachedOwner(owner, reference.uid);
    return cached !== undefined && !isDeletingForeground(cached) && !isOrphaning(cached);
  });
}

async function judge(object: ResourceObject, { graph, client, signal }: Collecting): Promise<Owners> {
  const [solid, waiting]: [OwnerReference[], OwnerReference[]] = [[], []];
  let [orphaning, uncached] = [false, false];
  for (const reference of ownersOf(object)) {
    const place = graph.ownerPlace(object.metadata, reference);
    if (!place) {
      solid.push(reference);
      continue;
    }
    const owner = await client.resource(place.kind.definition).find(place.ref, { signal });
    if (owner?.metadata.uid !== reference.uid) continue;
    if (isOrphaning(owner)) orphaning = true;
    else if (isDeletingForeground(owner)) waiting.push(reference);
    else solid.push(reference);
    if (!graph.isCached(place, reference.uid)) uncached = true;
  }
  return { solid, waiting, orphaning, uncached };
}
