import type { Client } from '../client/index.ts';
import { Controller, type Result } from '../controller/index.ts';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import type { Runnable } from '../manager/index.ts';
import type { ResourceObject } from '../resource/index.ts';
import type { Source } from '../source/index.ts';
import { exponentialLimiter } from '../workqueue/index.ts';
import { collectDependent, hasSolidOwners } from './collect-dependent.ts';
import type { Collecting } from './collecting.ts';
import { type CollectedKind, OwnerGraph, ownersOf } from './owner-graph.ts';
import { releaseOwner } from './release-owner.ts';
import { isWaiting } from './waiting.ts';

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
  const { client, kinds, concurrency = 4, clock = systemClock, random, logger, metrics } = options;
  refuseRepeated(kinds);
  const graph = new OwnerGraph(kinds);
  return new Controller({
    name: 'garbage-collector',
    sources: kinds.map((kind) => changesOf(kind, graph)),
    reconcile: ({ key }, attempt) => collect(key, { graph, client, logger: attempt.logger, signal: attempt.signal }),
    concurrency,
    rateLimiter: exponentialLimiter({ baseMs: 5, maxMs: RETRY_MAX_MS }),
    clock,
    ...(logger && { logger }),
    ...(random && { random }),
    ...(metrics && { metrics }),
  });
}

/**
 * Which objects to look at: those with an owner that may be gone, and those that wait for us, when they change; what an owner leaves
 * when it goes, or begins to go; and the owner that waits, when something of it goes.
 */
function changesOf(kind: CollectedKind, graph: OwnerGraph): Source {
  const { definition, informer } = kind;
  return {
    name: definition.kind,
    async start(sink, signal) {
      const look = (object: ResourceObject, key: string): void => {
        // Most changes are of objects whose owners are all there: these need no run of their own.
        const unsure = ownersOf(object).length > 0 && !hasSolidOwners(object, graph);
        if (unsure || isWaiting(object)) sink.enqueue(graph.idOf(kind, key));
        if (isWaiting(object)) graph.dependentsOf(object.metadata.uid).forEach((id) => sink.enqueue(id));
      };
      const lookAtOwners = (object: ResourceObject): void => {
        for (const id of graph.waitingOwners(object)) sink.enqueue(id);
      };
      const gone = (owner: ResourceObject): void => {
        graph.dependentsOf(owner.metadata.uid).forEach((id) => sink.enqueue(id));
        lookAtOwners(owner);
      };
      const registration = informer.addEventHandler(
        {
          add: (object, { key }) => look(object, key),
          update: (old, object, { key }) => {
            look(object, key);
            lookAtOwners(old);
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

/** Decides over one object, from its state in the store. */
async function collect(id: string, collecting: Collecting): Promise<Result | void> {
  const { graph } = collecting;
  const place = graph.placeOf(id);
  const cached = place?.kind.informer.lister.get(place.key);
  if (!place || !cached) return undefined;
  if (isWaiting(cached)) await releaseOwner(place, collecting);
  // An owner that waits may itself be owned by one that waits for it to begin.
  return await collectDependent(place, cached, collecting);
}

function refuseRepeated(kinds: readonly CollectedKind[]): void {
  const names = kinds.map(({ definition }) => `${definition.plural}.${definition.group}`);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new SetpointError('Invalid', `the garbage collector was given ${repeated} twice`);
}
