import { applyChildren, type ClientOptions, Expectations } from '../client/index.ts';
import type { Attempt, Reconciler, Request, Result } from '../controller/index.ts';
import type { FencingToken, Ownership } from '../coordination/index.ts';
import { SetpointError } from '../errors/index.ts';
import type { EventRecorder } from '../events/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Random } from '../internal/random.ts';
import {
  type AnyResourceDefinition,
  hasFinalizer,
  isDeleting,
  type ObjectKey,
  type ResourceObject,
} from '../resource/index.ts';
import type { Fence, Store } from '../store/index.ts';
import type { Cause } from '../workqueue/index.ts';
import { AttemptScope } from './attempt-scope.ts';
import type { AnyContext, ControllerDefinition } from './define-controller.ts';
import { reconcileOrFinalize } from './finalizing.ts';
import { guardedLister } from './guarded-lister.ts';
import type { KindCaches } from './kind-caches.ts';
import { MANAGER_INDEX, ownedObjects } from './owned-objects.ts';
import type { GoneContext } from './reconcile-context.ts';
import { statusWriter } from './status-writer.ts';
import { type Tenure, within } from './tenure.ts';

/** What the reconcilers of a control plane share. */
export interface ReconcilerSurroundings extends Pick<ClientOptions, 'admission' | 'transformerOf'> {
  readonly events: EventRecorder;
  readonly store: Store;
  readonly prefix: string;
  readonly caches: KindCaches;
  readonly clock: Clock;
  readonly random: Random;
  /** By what right they act, where there are other replicas. */
  readonly tenure?: Tenure | undefined;
}

/**
 * From keys to objects: what a controller calls for each key. Waits until the caches show what the key's last attempt
 * wrote, reads the object, and calls the function that its state asks for, with a scope that ends when that returns.
 */
export function objectReconciler(defined: ControllerDefinition, surroundings: ReconcilerSurroundings): Reconciler {
  const { caches } = surroundings;
  caches.informer(defined.definition);
  const written = new Expectations((definition) => caches.find(definition));
  const lister = listerOf(defined, caches);
  const attempted = async ({ key, causes }: Request, attempt: Attempt, ownership: Ownership | undefined) => {
    await written.whenMet(key, { signal: attempt.signal });
    const scope = new AttemptScope({
      ...surroundings,
      fence: ownership && withoutSignal(ownership.fence),
      manager: defined.name,
      signal: attempt.signal,
      transactional: defined.transactional,
      onWrite: (definition, object, revision) => {
        written.expect(key, definition, revision);
        attempt.wrote({ kind: definition.kind, key: object, revision });
      },
    });
    const base = {
      attempt,
      causes,
      key: key as ObjectKey,
      scope,
      lister: guarded(lister, scope),
      fencingToken: ownership?.token,
    };
    try {
      const object = base.lister(defined.definition).get(key);
      const result = await (object ? act(defined, object, base, surroundings) : defined.gone?.(goneContext(base)));
      await scope.commit();
      return result;
    } finally {
      scope.end();
    }
  };
  return (request, attempt) =>
    within(surroundings.tenure, request.key, attempt, (own, ownership) => attempted(request, own, ownership));
}

/** The attempt's own signal aborts with the ownership's already: `within` has linked them. */
function withoutSignal({ signal: _, ...fence }: Fence): Fence {
  return fence;
}

/** What every context of one attempt is made of. */
interface ContextBase {
  readonly attempt: Attempt;
  readonly causes: readonly Cause[];
  readonly key: ObjectKey;
  readonly scope: AttemptScope;
  readonly fencingToken: FencingToken | undefined;
  readonly lister: GoneContext['lister'];
}

function act(
  defined: ControllerDefinition,
  object: ResourceObject,
  base: ContextBase,
  surroundings: ReconcilerSurroundings,
): Promise<Result | void> {
  const { definition, finalizer, reconcile, finalize } = defined;
  const objects = () => base.scope.client.resource(definition);
  const contextOf = (current: ResourceObject): AnyContext => reconcileContext(defined, current, base, surroundings);
  return reconcileOrFinalize(object, {
    hasFinalizer: ({ metadata }) => hasFinalizer(metadata, finalizer),
    isDeleting: ({ metadata }) => isDeleting(metadata),
    addFinalizer: (current) => objects().addFinalizer(current, finalizer),
    removeFinalizer: (current) => objects().removeFinalizer(current, finalizer),
    reconcile: (current) => base.attempt.timed(() => reconcile(contextOf(current))),
    finalize: finalize && ((current) => base.attempt.timed(() => finalize(contextOf(current)))),
  });
}

function goneContext({ attempt, causes, key, scope, lister, fencingToken }: ContextBase): GoneContext {
  return {
    ...attempt,
    key,
    causes,
    lister,
    fencingToken,
    get client() {
      return scope.client;
    },
  };
}

function reconcileContext(
  defined: ControllerDefinition,
  object: ResourceObject,
  { attempt, causes, key, scope, lister, fencingToken }: ContextBase,
  { clock, events }: ReconcilerSurroundings,
): AnyContext {
  return {
    ...attempt,
    key,
    causes,
    lister,
    fencingToken,
    get client() {
      return scope.client;
    },
    object,
    owned: (kind) => {
      if (!defined.owns.includes(kind)) throw notOwned(defined, kind);
      return ownedObjects({ kind, owner: object, lister: lister(kind), scope });
    },
    apply: (children, options = {}) => {
      const managed = (kind: AnyResourceDefinition) => lister(kind).byIndex(MANAGER_INDEX, object.metadata.uid);
      return applyChildren({ client: scope.client, owner: object, kinds: defined.owns, managed }, children, options);
    },
    event: (event) => events.for(defined.name)(object, event),
    status: statusWriter({
      object,
      clock,
      write: (current, status) => scope.client.resource(defined.definition).updateStatus(current, status),
    }),
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

/** For a transactional attempt, caches that note what was seen; for others, the plain ones. */
function guarded(listers: GoneContext['lister'], scope: AttemptScope): GoneContext['lister'] {
  if (!scope.transactional) return listers;
  return (kind) => guardedLister(listers(kind), (key, modRevision) => scope.guard(kind, key, modRevision));
}

function notOwned({ name }: ControllerDefinition, kind: AnyResourceDefinition): SetpointError {
  return new SetpointError('Invalid', `controller '${name}' does not own ${kind.kind}: add it to its owns`);
}
