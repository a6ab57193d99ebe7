import { Controller, type ReconcileReport } from '../controller/index.ts';
import type { ObjectRef } from '../client/index.ts';
import { targetOf } from '../client/object-ref.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import { type AnyResourceDefinition, DEFAULT_PREFIX, invalid, kindOf, type ResourceObject } from '../resource/index.ts';
import { and, enqueueObject, enqueueOwner, informerSource, type Source, type SourceSink } from '../source/index.ts';
import { refKeys } from '../source/to-keys.ts';
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
 * Looks again at every key that the caches lead to and that passes `owns`, as if its objects had just changed: what the owner
 * before was still to do is among it, so none of it has the low priority of a first list. What comes from the controller's own further sources is not repeated: it can't be asked for.
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
  const further = defined.sources.map((source) => namingObjects(source, defined.definition));
  return [...cachedSourcesOf(defined, caches), ...further];
}

function cachedSourcesOf(defined: ControllerDefinition, caches: KindCaches): Source[] {
  const { definition, predicates, owns, watches } = defined;
  return [
    informerSource(caches.informer(definition), enqueueObject, { predicate: and(...predicates) }),
    ...owns.map((kind) => informerSource(caches.informer(kind), enqueueOwner({ owner: definition }))),
    ...watches.map((watch) => informerSource(caches.informer(watch.resource), keysOf(watch, definition))),
  ];
}

/** What a watch maps an object to. What it names without a namespace is in that of the object. */
function keysOf({ resource, map }: Watch<AnyResourceDefinition>, definition: AnyResourceDefinition) {
  return (object: ResourceObject): Iterable<string> => {
    const refs: unknown = map(object);
    if (typeof refs !== 'object' || refs === null || !(Symbol.iterator in refs)) {
      const subject = { what: `The map of the watched ${resource.kind}` };
      throw invalid(subject, '', "a list of references, such as [{ name: 'web' }]", kindOf(refs));
    }
    return refKeys(refs as Iterable<ObjectRef>, (ref) => keyOf(definition, ref, object.metadata.namespace));
  };
}

/** Reads what a source of the user's asks for as a client reads references, with `default` for no namespace. */
function namingObjects(source: Source, definition: AnyResourceDefinition): Source {
  return {
    name: source.name,
    start: (sink, signal) => {
      const enqueue: SourceSink['enqueue'] = (ref, notes) => {
        try {
          sink.enqueue(keyOf(definition, ref), notes);
        } catch (error) {
          sink.report(error, { source: source.name, stage: 'keys' });
        }
      };
      return source.start({ enqueue, report: (error, during) => sink.report(error, during) }, signal);
    },
  };
}

function keyOf(definition: AnyResourceDefinition, ref: ObjectRef, home?: string): string {
  return targetOf(definition, ref, DEFAULT_PREFIX, home).key;
}
