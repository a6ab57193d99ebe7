import { type Client, createClient, type ObjectRef } from '../client/index.ts';
import { Controller, type Reconciler, type ReconcileReport, type Result } from '../controller/index.ts';
import { SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import {
  type AnyResourceDefinition,
  hasFinalizer,
  isDeleting,
  type ObjectKey,
  type ResourceObject,
} from '../resource/index.ts';
import { and, enqueueMapped, enqueueObject, enqueueOwner, informerSource, type Source } from '../source/index.ts';
import { fenceStore, type Revision, type Store } from '../store/index.ts';
import type { AnyContext, ControllerDefinition, Watch } from './define-controller.ts';
import { reconcileOrFinalize } from './finalizing.ts';
import type { KindCaches } from './kind-caches.ts';
import { ownedObjects } from './owned-objects.ts';
import { OwnWrites } from './own-writes.ts';
import type { GoneContext } from './reconcile-context.ts';
import { statusWriter } from './status-writer.ts';

/** What a control plane lends to each of its controllers. */
export interface Surroundings {
  readonly store: Store;
  readonly prefix: string;
  readonly caches: KindCaches;
  readonly clock: Clock;
  readonly random: Random;
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
    sources: sourcesOf(defined, surroundings.caches),
    reconcile: reconciler(defined, surroundings),
    ...defined.tuning,
    cacheSyncTimeoutMs,
    clock,
    random,
    logger,
    metrics,
    ...(onReconciled && { onReconciled }),
  });
}

function sourcesOf(defined: ControllerDefinition, caches: KindCaches): Source[] {
  const { definition, predicates, owns, watches, sources } = defined;
  return [
    informerSource(caches.informer(definition), enqueueObject, { predicate: and(...predicates) }),
    ...owns.map((kind) => informerSource(caches.informer(kind), enqueueOwner({ owner: definition }))),
    ...watches.map((watch) =>
      informerSource(caches.informer(watch.resource), enqueueMapped(refsOf(watch, definition))),
    ),
    ...sources,
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

/** From keys to objects: what the controller calls for each key. */
function reconciler(defined: ControllerDefinition, surroundings: Surroundings): Reconciler {
  const { caches } = surroundings;
  const informer = caches.informer(defined.definition);
  const written = new OwnWrites((definition) => caches.find(definition));
  return async ({ key }, attempt) => {
    await written.caughtUp(key, attempt.signal);
    // The attempt's handle to the store ends with the attempt, also for calls that nobody awaited.
    const scope = linkedAbort(attempt.signal);
    const client = attemptClient(surroundings, scope.signal, (definition, revision) =>
      written.note(key, definition, revision),
    );
    const context: GoneContext = { ...attempt, key: key as ObjectKey, client, lister: listerOf(defined, caches) };
    try {
      const object = informer.lister.get(key);
      return await (object ? act(defined, object, context, surroundings) : defined.gone?.(context));
    } finally {
      scope.abort(new SetpointError('Closed', `the attempt ${attempt.reconcileId} is over`));
      scope.unlink();
    }
  };
}

function attemptClient(
  { store, prefix, clock, random }: Surroundings,
  signal: AbortSignal,
  onWrite: (definition: AnyResourceDefinition, revision: Revision) => void,
): Client {
  return createClient({
    store: fenceStore(store, { signal }),
    prefix,
    clock,
    random,
    onWrite: (definition, _key, revision) => onWrite(definition, revision),
  });
}

function act(
  defined: ControllerDefinition,
  object: ResourceObject,
  context: GoneContext,
  surroundings: Surroundings,
): Promise<Result | void> {
  const { definition, finalizer, reconcile, finalize } = defined;
  const objects = context.client.resource(definition);
  const contextOf = (current: ResourceObject): AnyContext => reconcileContext(defined, current, context, surroundings);
  return reconcileOrFinalize(object, {
    hasFinalizer: ({ metadata }) => hasFinalizer(metadata, finalizer),
    isDeleting: ({ metadata }) => isDeleting(metadata),
    addFinalizer: (current) => objects.addFinalizer(current, finalizer),
    removeFinalizer: (current) => objects.removeFinalizer(current, finalizer),
    reconcile: (current) => reconcile(contextOf(current)),
    finalize: finalize && ((current) => finalize(contextOf(current))),
  });
}

function reconcileContext(
  defined: ControllerDefinition,
  object: ResourceObject,
  context: GoneContext,
  { caches, clock }: Surroundings,
): AnyContext {
  const { client } = context;
  const write = (current: ResourceObject, status: object) =>
    client.resource(defined.definition).updateStatus(current, status);
  return {
    ...context,
    object,
    owned: (kind) => {
      if (!defined.owns.includes(kind)) throw notOwned(defined, kind);
      return ownedObjects({ kind, owner: object, informer: caches.informer(kind), client });
    },
    status: statusWriter({ object, clock, write }),
  };
}

function listerOf({ name }: ControllerDefinition, caches: KindCaches): GoneContext['lister'] {
  return (kind) => {
    const informer = caches.find(kind);
    if (informer) return informer.lister;
    throw new SetpointError(
      'Invalid',
      `controller '${name}' asked for the cache of ${kind.kind}, and there is none: ` +
        "add the kind to the controller's owns or watches, or to the manager's resources",
    );
  };
}

function notOwned({ name }: ControllerDefinition, kind: AnyResourceDefinition): SetpointError {
  return new SetpointError('Invalid', `controller '${name}' does not own ${kind.kind}: add it to its owns`);
}
