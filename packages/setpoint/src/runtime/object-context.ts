import {
  applyChildren,
  type ApplyChildrenOptions,
  type Child,
  type ChildrenReport,
  type Client,
} from '../client/index.ts';
import type { Attempt } from '../controller/index.ts';
import type { FencingToken } from '../coordination/index.ts';
import { SetpointError } from '../errors/index.ts';
import type { EventInput, EventRecorder } from '../events/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Logger } from '../internal/logger.ts';
import type { AnyResourceDefinition, ObjectKey, ResourceObject } from '../resource/index.ts';
import type { Cause } from '../workqueue/index.ts';
import type { AttemptScope } from './attempt-scope.ts';
import type { AnyContext, ControllerDefinition } from './define-controller.ts';
import { MANAGER_INDEX, ownedObjects } from './owned-objects.ts';
import type { GoneContext } from './reconcile-context.ts';
import { statusWriter } from './status-writer.ts';

/** What every context of one attempt is made of. */
export interface ContextParts {
  readonly attempt: Attempt;
  readonly causes: readonly Cause[];
  readonly key: ObjectKey;
  readonly scope: AttemptScope;
  readonly fencingToken: FencingToken | undefined;
  readonly lister: GoneContext['lister'];
}

/**
 * What a reconciler is given. One is made for each attempt, and most attempts look at little of it: signal, logger and
 * client are made when they are asked for. They are properties of their own all the same, for people copy contexts.
 */
export class OwnGoneContext implements GoneContext {
  static readonly #onDemand: PropertyDescriptorMap & ThisType<OwnGoneContext> = {
    signal: {
      enumerable: true,
      get(): AbortSignal {
        return this.#parts.attempt.signal;
      },
    },
    logger: {
      enumerable: true,
      get(): Logger {
        return this.#parts.attempt.logger;
      },
    },
    client: {
      enumerable: true,
      get(): Client {
        return this.#parts.scope.client;
      },
    },
  };

  readonly key: ObjectKey;
  readonly causes: readonly Cause[];
  readonly reconcileId: string;
  readonly attempt: number;
  readonly wrote: Attempt['wrote'];
  readonly timed: Attempt['timed'];
  readonly fencingToken: FencingToken | undefined;
  readonly lister: GoneContext['lister'];
  declare readonly signal: AbortSignal;
  declare readonly logger: Logger;
  declare readonly client: Client;
  readonly #parts: ContextParts;

  constructor(parts: ContextParts) {
    const { attempt } = parts;
    this.#parts = parts;
    this.key = parts.key;
    this.causes = parts.causes;
    this.reconcileId = attempt.reconcileId;
    this.attempt = attempt.attempt;
    this.wrote = attempt.wrote;
    this.timed = attempt.timed;
    this.fencingToken = parts.fencingToken;
    this.lister = parts.lister;
    Object.defineProperties(this, OwnGoneContext.#onDemand);
  }
}

/** What the contexts of one controller have in common. */
export interface ContextSurroundings {
  readonly defined: ControllerDefinition;
  readonly clock: Clock;
  readonly events: EventRecorder | undefined;
}

/** The same for an object that is there. */
export class ObjectContext extends OwnGoneContext implements AnyContext {
  readonly object: ResourceObject;
  readonly owned: AnyContext['owned'];
  readonly apply: AnyContext['apply'];
  readonly event: AnyContext['event'];
  readonly status: AnyContext['status'];

  constructor(object: ResourceObject, parts: ContextParts, { defined, clock, events }: ContextSurroundings) {
    super(parts);
    const { scope, lister } = parts;
    this.object = object;
    this.owned = (kind) => {
      if (!defined.owns.includes(kind)) throw notOwned(defined, kind);
      return ownedObjects({ kind, owner: object, lister: lister(kind), scope });
    };
    this.apply = (children: readonly Child[], options: ApplyChildrenOptions = {}): Promise<ChildrenReport> => {
      const managed = (kind: AnyResourceDefinition) => lister(kind).byIndex(MANAGER_INDEX, object.metadata.uid);
      return applyChildren({ client: scope.client, owner: object, kinds: defined.owns, managed }, children, options);
    };
    this.event = (event: EventInput) => events?.for(defined.name)(object, event);
    let write: AnyContext['status'] | undefined;
    this.status = (...report) => {
      write ??= statusWriter({
        object,
        clock,
        write: (current, status) => scope.client.resource(defined.definition).updateStatus(current, status),
      });
      return write(...report);
    };
  }
}

function notOwned({ name }: ControllerDefinition, kind: AnyResourceDefinition): SetpointError {
  return new SetpointError('Invalid', `controller '${name}' does not own ${kind.kind}: add it to its owns`);
}
