import { isSetpointError } from '../errors/index.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER, type ResourceObject } from '../resource/index.ts';
import type { Collecting } from './collecting.ts';
import { type ObjectPlace, type OwnerGraph, ownersOf } from './owner-graph.ts';
import { isDeletingForeground, isOrphaning, isWaiting } from './waiting.ts';

/**
 * Does what an object that is being deleted waits for, and lets it go when that is done. Whatever happens in between,
 * its finalizer stays until then, so that another collector goes on where this one stopped.
 */
export async function releaseOwner(place: ObjectPlace, collecting: Collecting): Promise<void> {
  const { client, graph, logger, signal } = collecting;
  const { definition } = place.kind;
  const objects = client.resource(definition);
  const owner = await objects.find(place.key, { signal });
  if (!owner || !isWaiting(owner)) return;
  // From here on the caches show every dependent that there was when the deletion was asked for.
  await graph.caughtUp(BigInt(owner.metadata.resourceVersion), signal);
  if (isOrphaning(owner)) {
    await releaseDependents(owner, collecting);
    await objects.removeFinalizer(owner, ORPHAN_FINALIZER, { signal }).catch(ignoreGone);
    logger.info({ kind: definition.kind, key: place.key }, 'released what it owned');
    return;
  }
  if (blockersOf(owner, graph).length > 0 && !closesCircle(owner, graph)) return;
  await objects.removeFinalizer(owner, FOREGROUND_FINALIZER, { signal }).catch(ignoreGone);
  logger.info({ kind: definition.kind, key: place.key }, 'everything that it owned is gone');
}

async function releaseDependents(owner: ResourceObject, { client, graph, signal }: Collecting): Promise<void> {
  for (const id of graph.dependentsOf(owner.metadata.uid)) {
    const place = graph.placeOf(id)!;
    const release = (current: ResourceObject) => {
      const left = ownersOf(current).filter(({ uid }) => uid !== owner.metadata.uid);
      return left.length === ownersOf(current).length ? undefined : { ownerReferences: left };
    };
    // Not a Conflict: it means that others wrote too often, and an owner that went now would take this one along.
    await client.resource(place.kind.definition).modify(place.key, release, { signal }).catch(ignoreNotFound);
  }
}

/** The dependents that an object waits for: the others may go after it. */
function blockersOf({ metadata: { uid } }: ResourceObject, graph: OwnerGraph): readonly ResourceObject[] {
  const blocks = (dependent: ResourceObject): boolean =>
    ownersOf(dependent).some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true);
  return graph.cachedDependents(uid).filter(blocks);
}

/**
 * Whether an object waits, through others, for itself, and everything on the way waits as well: then nobody is left to
 * wait for, and who sees it first goes first.
 */
function closesCircle(owner: ResourceObject, graph: OwnerGraph): boolean {
  const seen = new Map<string, ResourceObject>();
  const toSee = [...blockersOf(owner, graph)];
  for (let next = toSee.pop(); next; next = toSee.pop()) {
    if (seen.has(next.metadata.uid)) continue;
    if (!isDeletingForeground(next)) return false;
    seen.set(next.metadata.uid, next);
    toSee.push(...blockersOf(next, graph));
  }
  return seen.has(owner.metadata.uid);
}

function ignoreNotFound(error: unknown): void {
  if (!isSetpointError(error, 'NotFound')) throw error;
}

/** Gone, or another incarnation under its name: either way there is nothing to do for this one. */
export function ignoreGone(error: unknown): void {
  if (!isSetpointError(error, 'NotFound') && !isSetpointError(error, 'Conflict')) throw error;
}
