import type { ApplyChildrenOptions, Child, ChildrenReport, Client } from '../client/index.ts';
import type { Attempt } from '../controller/index.ts';
import type { FencingToken } from '../coordination/index.ts';
import type { EventInput } from '../events/index.ts';
import type { Lister } from '../informer/index.ts';
import type { AnyResourceDefinition, ObjectKey, ObjectOf, StatusOf } from '../resource/index.ts';
import type { Cause } from '../workqueue/index.ts';
import type { OwnedObjects } from './owned-objects.ts';
import type { ReportedCondition } from './status-writer.ts';

/** What every function of a controller is given, whether its object is there or gone. */
export interface GoneContext extends Attempt {
  readonly key: ObjectKey;
  /** Why, as far as is known: for logs and for people, not for decisions. */
  readonly causes: readonly Cause[];
  /**
   * Reads and writes the store, as long as this attempt lasts: when it has returned, timed out, or the manager stops,
   * every call fails with `Closed` before anything is sent.
   */
  readonly client: Client;
  /**
   * Where the manager is elected or sharded: a number that grows with each owner of this key, for systems outside the
   * store, which have to refuse smaller ones than they have seen. Writes through `client` need no help: they carry the
   * leadership, or the key's slot, and fail with `LockLost` when it is another's.
   */
  readonly fencingToken: FencingToken | undefined;
  /**
   * The shared cache of a kind: quick, and a moment behind the store. Throws `Invalid` for a kind that the manager
   * has none of: name it in the controller's `owns` or `watches`, or in the manager's `resources`.
   */
  readonly lister: <Kind extends AnyResourceDefinition>(kind: Kind) => Lister<ObjectOf<Kind>>;
}

/**
 * What a reconcile is given. It belongs to one attempt and is useless after it. Take what you need by name; none of its
 * functions need `this`. Some of it is made when it is first asked for; a copy (`{ ...context }`) asks for all of it.
 *
 * Reads are from caches and a moment old, but never older than what the last run of this key wrote: the key waits
 * until the caches have caught up with that.
 */
export interface ReconcileContext<
  Definition extends AnyResourceDefinition,
  Owned extends AnyResourceDefinition = never,
> extends GoneContext {
  /** The object as the cache has it. Read-only, and frozen. */
  readonly object: ObjectOf<Definition>;
  /** The objects of an owned kind that this object manages. */
  readonly owned: <Kind extends Owned>(kind: Kind) => OwnedObjects<Kind>;
  /**
   * Brings all children of the object about at once: those listed, made with `child`, are created or updated in their
   * order; objects of the owned kinds that it manages and that are not listed are deleted. Says what it did and what
   * still waits; the change that is waited for makes the reconcile run again.
   */
  readonly apply: (children: readonly Child[], options?: ApplyChildrenOptions) => Promise<ChildrenReport>;
  /** Says something about the object, for people: stored as an `Event` for an hour. Never waits, never throws. */
  readonly event: (event: EventInput) => void;
  /**
   * Brings the object's status to this, its `observedGeneration` to the generation of `object`, and adds or updates
   * the conditions; others stay. Writes nothing when nothing changes. Throws `Conflict` when the object has changed
   * since it was read: let it through, the reconcile runs again.
   */
  readonly status: (status: StatusOf<Definition>, ...conditions: readonly ReportedCondition[]) => Promise<void>;
}
