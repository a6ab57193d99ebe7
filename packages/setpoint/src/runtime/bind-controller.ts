import { Controller, type ReconcileReport } from '../controller/index.ts';
import type { ObjectRef } from '../client/index.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { AnyResourceDefinition, ResourceObject } from '../resource/index.ts';
import {
  and,
  enqueueMapped,
  enqueueObject,
  enqueueOwner,
  informerSource,
  type Source,
  type SourceSink,
} from '../source/index.ts';
import type { ControllerDefinition, Watch } from './define-controller.ts';
import type { KindCaches } from './kind-caches.ts';
import { ownKeysOf } from './tenure.ts';
import { objectReconciler, type ReconcilerSurroundings } from './object-reconciler.ts';

/** What a control plane lends to each of its controllers. */
export interface Surroundings extends ReconcilerSurroundings {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly cacheSyncTimeoutMs: number;
  readonly onReconciled?: (report: ReconcileReport) => void;
}

/** Makes the controller that a definition describes, over the shared caches of `surroundings`. */
export function bindController(defined: ControllerDefinition, surroundings: Surroundings): Controller {
  const { clock, random, logger, metrics, cacheSyncTimeoutMs, onReconciled } = surroundings;
  return new Controller({
    name: defined.name,
    sources: sourcesOf(defined, surroundings.caches).map((source) => ownKeysOf(source, surroundings.tenure)),
    reconcile: objectReconciler(defined, surroundings),
    ...defined.tuning,
    cacheSyncTimeoutMs,
    clock,
    random,
    logger,
    metrics,
    ...(onReconciled && { onReconciled }),
  });
}

/**
 * Looks again at every key that the caches lead to and that passes `owns`, as if its objects had just been listed. What
 * comes from the controller's own further sources is not repeated: it can't be asked for.
 */
export async function replayKeys(
  { defined, controller }: { readonly defined: ControllerDefinition; readonly controller: Controller },
  caches: KindCaches,
  owns: (key: string) => boolean,
): Promise<void> {
  const once = new AbortController();
  const cause = { type: 'resync' } as const;
  const sink: SourceSink = {
    enqueue: (key) => owns(key) && controller.enqueue(key, cause),
    report: () => {}, // the sources themselves have reported it
  };
  try {
    await Promise.all(cachedSourcesOf(defined, caches).map((source) => source.start(sink, once.signal)));
  } finally {
    once.abort();
  }
}

function sourcesOf(defined: ControllerDefinition, caches: KindCaches): Source[] {
  return [...cachedSourcesOf(defined, caches), ...defined.sources];
}

function cachedSourcesOf(defined: ControllerDefinition, caches: KindCaches): Source[] {
  const { definition, predicates, owns, watches } = defined;
  return [
    informerSource(caches.informer(definition), enqueueObject, { predicate: and(...predicates) }),
    ...owns.map((kind) => informerSource(caches.informer(kind), enqueueOwner({ owner: definition }))),
    ...watches.map((watch) =>
      informerSource(caches.informer(watch.resource), enqueueMapped(refsOf(watch, definition))),
    ),
  ];
}

/** A watch's mapping with the namespaces filled in that it left out. */
function refsOf({ map }: Watch<AnyResourceDefinition>, definition: AnyResourceDefinition) {
  return (object: ResourceObject): Iterable<ObjectRef> =>
    Array.from(map(object), (ref) => {
      if (definition.scope === 'Cluster' || typeof ref === 'string' || 'metadata' in ref) return ref;
      return { name: ref.name, namespace: ref.namespace ?? object.metadata.namespace ?? 'default' };
    });
}
