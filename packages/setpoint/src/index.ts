/**
 * # setpoint
 *
 * A Kubernetes-style controller runtime on etcd. This is the front door: what most programs need, and nothing else.
 * Each folder is a subpath with everything of its own: `setpoint/resource`, `/store`, `/workqueue`, `/informer`,
 * `/client`, `/source`, `/coordination`, `/controller`, `/manager`, `/rx`, `/testing`.
 *
 * ```ts
 * const Greeting = defineResource({ group: 'demo.dev', version: 'v1', kind: 'Greeting', plural: 'greetings', spec });
 * const greetings = defineController(Greeting, { reconcile: ({ object, status }) => status(greet(object.spec)) });
 * await createManager({ store: memoryStore(), controllers: [greetings] }).run();
 * ```
 *
 * Next: `resource/index.ts`, then `controller/reconciler.ts`, then `runtime/index.ts`
 */

// Describe: what there is, and what to do about it.
export {
  /** Describes a kind: its names, and the schemas that all types follow from. */
  defineResource,
  /** One kind, as plain data. */
  type ResourceDefinition,
  /** Any kind, for code that treats all alike. */
  type AnyResourceDefinition,
  /** One stored object: metadata, spec, status. */
  type ResourceObject,
  /** The objects of a definition, as reads return them: `ObjectOf<typeof Website>`. */
  type ObjectOf,
  /** Name, namespace, uid, resourceVersion, generation, labels, owners, finalizers. */
  type ObjectMeta,
  /** `namespace/name`, or `name` for a cluster-scoped kind. */
  type ObjectKey,
  /** One observed aspect of an object. */
  type Condition,
  /** Says that an object exists for another one's sake. */
  type OwnerReference,
  /** The reference to put on an object that `owner` owns, where `owned(Kind).apply` doesn't do it for you. */
  ownerReferenceTo,
  /** Checks a spec against its kind's schema, and fills in defaults. */
  validateSpec,
  /** The name that a misspelt one was probably meant to be. */
  nearestName,
} from './resource/index.ts';
export {
  /** Describes a controller for one kind: what it owns, and how to make the world match an object. */
  defineController,
  /** What `defineController` makes. */
  type ControllerDefinition,
  /** What a reconcile is given: the object, its owned objects, caches, the client, the status function. */
  type ReconcileContext,
  /** Binds controllers to a store: shared caches, one client, garbage collection, one lifecycle. */
  createManager,
  /** What `createManager` makes. */
  type ControlPlane,
  type ControlPlaneOptions,
  /** The etcd role that a manager needs, and the commands that make it. */
  minimalRole,
  /** Logs to standard error: readable on a terminal, JSON otherwise. */
  consoleLogger,
} from './runtime/index.ts';
export {
  /** How a reconcile asks to be run again. */
  type Result,
  /** Marks a failure that trying again can't mend: `throw terminal(error)`. */
  terminal,
} from './controller/index.ts';

// Read and write.
export {
  /** Typed reads and conditional writes of objects, straight from and to the store. */
  createClient,
  type Client,
  type ResourceClient,
  /** One object that should be there for another's sake, for `apply(children)` of a reconcile. */
  child,
  /** A hook that changes or refuses writes before they are sent. */
  admit,
} from './client/index.ts';
export {
  /** A local cache that follows any prefix of a store, with handlers and indexes. */
  createInformer,
  type Informer,
  /** The cache as readers see it. */
  type Lister,
} from './informer/index.ts';

// Feed: what asks for a reconcile.
export {
  /** Passes the changes of a spec, not those of status or metadata alone. */
  generationChanged,
  /** A source of keys over an rxjs Observable. */
  observableSource,
  /** Whether a change is worth a reconcile. */
  type Predicate,
  /** An origin of keys to reconcile. */
  type Source,
} from './source/index.ts';
export {
  /** A de-duplicating, delaying, rate-limited queue of keys. */
  WorkQueue,
} from './workqueue/index.ts';

// Run.
export {
  /** Anything with `run(signal)`. */
  type Runnable,
} from './manager/index.ts';
export {
  /** An exact model of etcd in this process: the store to start with and to test on. */
  memoryStore,
  /** The database as setpoint sees it: `memoryStore()`, or `etcdStore()` of `@setpoint/etcd`. */
  type Store,
} from './store/index.ts';

// Several processes, never two writers.
export {
  /** A lease that this process keeps alive: what it holds hangs on it. */
  openSession,
  type Session,
  /** Waits until the session owns a lock; writes through it count only while it does. */
  lock,
  /** Takes a lock if it is free, and otherwise says who has it. */
  tryLock,
  type HeldLock,
} from './coordination/index.ts';

// When something is wrong.
export {
  /** The one error class; its `code` says what happened, `retryable` whether the same call may yet succeed. */
  SetpointError,
  /** Whether an error is setpoint's, and of a code. */
  isSetpointError,
  type ErrorCode,
} from './errors/index.ts';

// What can be put in place of the machine's own.
export {
  /** All time: replaced by `FakeClock` in tests. */
  type Clock,
  systemClock,
  /** Resolves after a time, or when a signal aborts. */
  sleep,
} from './internal/clock.ts';
export {
  /** All randomness: replaced by `seededRandom` in tests. */
  type Random,
  systemRandom,
} from './internal/random.ts';
export {
  /** What setpoint logs to; a pino logger fits. */
  type Logger,
  silentLogger,
} from './internal/logger.ts';
