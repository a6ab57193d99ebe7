import { clientMaker, type ClientOptions, Expectations } from '../client/index.ts';
import type { Attempt, Reconciler, Request, Result } from '../controller/index.ts';
import type { Ownership } from '../coordination/index.ts';
import { SetpointError } from '../errors/index.ts';
import type { EventRecorder } from '../events/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Random } from '../internal/random.ts';
import { hasFinalizer, isDeleting, type ObjectKey, type ResourceObject } from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import { AttemptScope, type AttemptScopeOptions } from './attempt-scope.ts';
import type { ControllerDefinition } from './define-controller.ts';
import { type FinalizingSteps, reconcileOrFinalize } from './finalizing.ts';
import { guardedLister } from './guarded-lister.ts';
import type { KindCaches } from './kind-caches.ts';
import { type ContextParts, type ContextSurroundings, ObjectContext, OwnGoneContext } from './object-context.ts';
import type { GoneContext } from './reconcile-context.ts';
import { type Tenure, within } from './tenure.ts';

/** What the reconcilers of a control plane share. */
export interface ReconcilerSurroundings extends Pick<ClientOptions, 'admission' | 'transformerOf'> {
  /** Undefined: what is said is not stored. */
  readonly events: EventRecorder | undefined;
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
  const { tenure } = surroundings;
  const attempts = new ObjectAttempts(defined, surroundings);
  if (!tenure) return (request, attempt) => attempts.run(request, attempt, undefined);
  return (request, attempt) =>
    within(tenure, request.key, attempt, (own, ownership) => attempts.run(request, own, ownership));
}

/** The attempts of one controller. */
class ObjectAttempts {
  readonly #defined: ControllerDefinition;
  readonly #surroundings: ContextSurroundings;
  readonly #scopes: AttemptScopeOptions;
  readonly #written: Expectations;
  readonly #lister: GoneContext['lister'];

  constructor(defined: ControllerDefinition, surroundings: ReconcilerSurroundings) {
    const { caches, clock, events, store, prefix, random, admission, transformerOf } = surroundings;
    caches.informer(defined.definition);
    this.#defined = defined;
    this.#surroundings = { defined, clock, events };
    const clientOver = clientMaker({ prefix, clock, random, admission, transformerOf, manager: defined.name });
    this.#scopes = { name: defined.name, store, prefix, clientOver, transactional: defined.transactional };
    this.#written = new Expectations((definition) => caches.find(definition));
    this.#lister = listerOf(defined, caches);
  }

  async run({ key, causes }: Request, attempt: Attempt, ownership: Ownership | undefined): Promise<Result | void> {
    const written = this.#written;
    if (!written.isMet(key)) await written.whenMet(key, { signal: attempt.signal });
    const scope = new AttemptScope(this.#scopes, {
      key,
      attempt,
      fence: ownership?.fence,
      onWrite: (definition, object, revision) => {
        written.expect(key, definition, revision);
        attempt.wrote({ kind: definition.kind, key: object, revision });
      },
    });
    const parts: ContextParts = {
      attempt,
      causes,
      key: key as ObjectKey,
      scope,
      lister: guarded(this.#lister, scope),
      fencingToken: ownership?.token,
    };
    try {
      const object = parts.lister(this.#defined.definition).get(key);
      const result = await (object ? this.#act(object, parts) : this.#defined.gone?.(new OwnGoneContext(parts)));
      if (scope.transactional) await scope.commit();
      return result;
    } finally {
      scope.end();
    }
  }

  #act(object: ResourceObject, parts: ContextParts): ReturnType<FinalizingSteps['reconcile']> {
    const { definition, finalizer, reconcile, finalize } = this.#defined;
    const objects = () => parts.scope.client.resource(definition);
    const contextOf = (current: ResourceObject) => new ObjectContext(current, parts, this.#surroundings);
    return reconcileOrFinalize(object, {
      hasFinalizer: ({ metadata }) => hasFinalizer(metadata, finalizer),
      isDeleting: ({ metadata }) => isDeleting(metadata),
      addFinalizer: (current) => objects().addFinalizer(current, finalizer),
      removeFinalizer: (current) => objects().removeFinalizer(current, finalizer),
      reconcile: (current) => parts.attempt.timed(() => reconcile(contextOf(current))),
      finalize: finalize && ((current) => parts.attempt.timed(() => finalize(contextOf(current)))),
    });
  }
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
