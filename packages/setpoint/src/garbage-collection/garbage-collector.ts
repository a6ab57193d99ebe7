import type { Client } from '../client/index.ts';
import { Controller, type Result } from '../controller/index.ts';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Logger, silentLogger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import type { Runnable } from '../manager/index.ts';
import type { ResourceObject } from '../resource/index.ts';
import type { Source } from '../source/index.ts';
import { exponentialLimiter } from '../workqueue/index.ts';
import { type CollectedKind, type ObjectId, OwnerGraph, ownersOf } from './owner-graph.ts';

export interface GarbageCollectorOptions {
  /** Reads owners and deletes what they left. */
  readonly client: Client;
  /** Every kind that is collected; owners of other kinds count as alive. Each may be given once. */
  readonly kinds: readonly CollectedKind[];
  /** How many objects are looked at in the store at once. Default 4. */
  readonly concurrency?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Where to count, as the controller `garbage-collector`. Default: nowhere. */
  readonly metrics?: Metrics;
}

/** A store that was away for a while must not put cleaning up off for longer than this. */
const RETRY_MAX_MS = 30_000;

/** See this folder's `index.ts` for what it promises. It starts its work when all caches are complete. */
export function createGarbageCollector(options: GarbageCollectorOptions): Runnable {
  const { client, kinds, concurrency = 4, clock = systemClock, random, logger = silentLogger, metrics } = options;
  refuseRepeated(kinds);
  const graph = new OwnerGraph(kinds);
  return new Controller({
    name: 'garbage-collector',
    sources: kinds.map((kind) => changesOf(kind, graph)),
    reconcile: ({ key }, attempt) => collect(key, graph, client, attempt.logger),
    concurrency,
    rateLimiter: exponentialLimiter({ baseMs: 5, maxMs: RETRY_MAX_MS }),
    clock,
    logger,
    ...(random && { random }),
    ...(metrics && { metrics }),
  });
}

/** Which objects to look at: those that have owners when they change, and what an owner leaves when it goes. */
function changesOf(kind: CollectedKind, graph: OwnerGraph): Source {
  const { definition, informer } = kind;
  return {
    name: definition.kind,
    async start(sink, signal) {
      const look = (object: ResourceObject, key: string): void => {
        if (ownersOf(object).length > 0) sink.enqueue(graph.idOf(kind, key));
      };
      const gone = (owner: ResourceObject): void =>
        graph.dependentsOf(owner.metadata.uid).forEach((id) => sink.enqueue(id));
      const registration = informer.addEventHandler(
        {
          add: (object, { key }) => look(object, key),
          update: (old, object, { key }) => {
            look(object, key);
            if (old.metadata.uid !== object.metadata.uid) gone(old);
          },
          delete: gone,
        },
        { name: 'garbage-collector' },
      );
      signal.addEventListener('abort', () => registration.remove(), { once: true });
      if (signal.aborted) return registration.remove();
      await registration.whenSynced(signal);
    },
  };
}

/**
 * Decides over one object. The caches only spare the store the question: most objects have an owner that is there.
 * When they don't show one, the store is asked for the object first and its owners after it, so that an object that is
 * deleted was without an owner while it stood as it does.
 */
async function collect(id: ObjectId, graph: OwnerGraph, client: Client, logger: Logger): Promise<Result | void> {
  const place = graph.placeOf(id);
  const cached = place?.kind.informer.lister.get(place.key);
  if (!place || !cached || hasCachedOwner(cached, graph)) return;

  const objects = client.resource(place.kind.definition);
  const object = await objects.find(place.key);
  if (!object || object.metadata.deletionTimestamp !== undefined || ownersOf(object).length === 0) return;
  const verdict = await judge(object, graph, client);
  // An owner that the caches have yet to show may also go without ever having been in them: no event would tell.
  if (verdict === 'owner not cached') return { requeue: true };
  if (verdict !== 'owners gone') return;

  const { uid, resourceVersion } = object.metadata;
  await objects.delete(place.key, { uid, resourceVersion }).catch(ignoreNotFound);
  logger.info(
    { kind: place.kind.definition.kind, key: place.key },
    'deleted, because none of its owners exists any more',
  );
}

function hasCachedOwner(object: ResourceObject, graph: OwnerGraph): boolean {
  return ownersOf(object).some((reference) => {
    const place = graph.ownerPlace(object.metadata, reference);
    return place !== undefined && graph.isCached(place, reference.uid);
  });
}

/** What the store says of the owners of an object that has some. */
async function judge(object: ResourceObject, graph: OwnerGraph, client: Client) {
  for (const reference of ownersOf(object)) {
    const place = graph.ownerPlace(object.metadata, reference);
    if (!place) return 'owner of another kind';
    const owner = await client.resource(place.kind.definition).find(place.ref);
    if (owner?.metadata.uid !== reference.uid) continue;
    return graph.isCached(place, reference.uid) ? 'owner alive' : 'owner not cached';
  }
  return 'owners gone';
}

function ignoreNotFound(error: unknown): void {
  if (!isSetpointError(error, 'NotFound')) throw error;
}

function refuseRepeated(kinds: readonly CollectedKind[]): void {
  const names = kinds.map(({ definition }) => `${definition.plural}.${definition.group}`);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new SetpointError('Invalid', `the garbage collector was given ${repeated} twice`);
}
