import { type Client, type ClientOptions, createClient } from '../client/index.ts';
import type { Controller } from '../controller/index.ts';
import { SetpointError } from '../errors/index.ts';
import { createEventRecorder } from '../events/index.ts';
import { createGarbageCollector } from '../garbage-collection/index.ts';
import type { Informer } from '../informer/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { defaultLogger } from './console-logger.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { createMetrics, type Metrics } from '../internal/metrics.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { type HealthServer, Manager, type ManagerState, type Runnable } from '../manager/index.ts';
import { type AnyResourceDefinition, DEFAULT_PREFIX, type ObjectOf } from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import type { Leader } from '../coordination/index.ts';
import { bindController, replayKeys } from './bind-controller.ts';
import { type Coordinated, electedBy, shardedBy } from './coordinated.ts';
import { controllerRunnable } from './controller-runnable.ts';
import { healthServer } from './health.ts';
import { electedCollector } from './elected-collector.ts';
import { KindCaches } from './kind-caches.ts';
import { checkManagerOptions, type ControlPlaneOptions } from './manager-options.ts';
import { readingStore } from './tenure.ts';

/** Binds controllers to a store. Nothing is read or written before {@link ControlPlane.run}. */
export function createManager(options: ControlPlaneOptions): ControlPlane {
  return new ControlPlane(options);
}

/**
 * Controllers at work on one store: their caches, shared by kind, their client, the garbage collector and one
 * lifecycle. Made by {@link createManager}.
 */
export class ControlPlane {
  /**
   * Reads and writes objects, also before and after the run, as long as the store is open. Where the manager is elected
   * or sharded it only reads: writes are refused with `Invalid`, because they would carry no fence.
   */
  readonly client: Client;
  /**
   * As `client`, with writes that nothing guards: not leadership, not the slot of a key. For what is no controller's
   * work, such as the requests of users; not for use in a reconcile.
   */
  readonly unsafeClient: Client;
  readonly metrics: Metrics;
  readonly #store: Store;
  readonly #coordinated: Coordinated | undefined;
  readonly #manager: Manager;
  readonly #caches: KindCaches;
  readonly #controllers: ReadonlyMap<string, Controller>;
  readonly #health: HealthServer | undefined;

  /** Throws `Invalid` when two controllers have one name, or two kinds one plural. */
  constructor(options: ControlPlaneOptions) {
    checkManagerOptions(options);
    const { store, prefix = DEFAULT_PREFIX, clock = systemClock, random = systemRandom } = options;
    const logger = steadyLogger(options.logger ?? defaultLogger());
    const { cacheSyncTimeoutMs = 120_000, gracefulTimeoutMs, metrics = createMetrics(), onReconciled } = options;
    this.#store = store;
    this.metrics = metrics;
    const { admission, transformerOf, eventTtlMs, massDelete } = options;
    this.unsafeClient = createClient({ store, prefix, clock, random, admission, transformerOf });
    const common = { store, prefix, clock, random, logger, cacheSyncTimeoutMs, admission, transformerOf };
    const ttl = eventTtlMs === undefined || eventTtlMs === false ? {} : { ttlMs: eventTtlMs };
    const recorder = { client: this.unsafeClient, clock, random, logger, metrics, ...ttl };
    const events = eventTtlMs === false ? undefined : createEventRecorder(recorder);
    this.#caches = new KindCaches({
      ...common,
      ...(massDelete !== undefined && { massDelete }),
      metrics,
      onCreate: (cache) => this.#manager.add(cache, { group: 'caches' }),
    });
    const parts = { ...common, caches: this.#caches, metrics };
    const coordinated = this.#coordinate(options, parts);
    this.#coordinated = coordinated;
    this.client = coordinated
      ? createClient({ store: readingStore(store), prefix, clock, random, transformerOf })
      : this.unsafeClient;
    this.#manager = new Manager({
      clock,
      logger,
      ...(gracefulTimeoutMs === undefined ? {} : { gracefulTimeoutMs }),
      ...(coordinated?.leadership && { leadership: coordinated.leadership }),
    });
    if (coordinated) this.#manager.add(coordinated.runnable, { group: 'leases' });
    // It outlives the controllers, whose last words it stores.
    if (events) this.#manager.add(events, { group: 'caches' });
    const surroundings = { ...parts, events, tenure: coordinated?.tenure, ...(onReconciled && { onReconciled }) };

    const defined = options.controllers ?? [];
    this.#controllers = new Map(defined.map((each) => [each.name, bindController(each, surroundings)]));
    for (const kind of options.resources ?? []) this.#caches.informer(kind);
    for (const runnable of options.runnables ?? []) this.#manager.add(runnable);
    for (const controller of this.#controllers.values()) {
      this.#manager.add(controllerRunnable(controller), { group: 'leader-elected' });
    }
    if (options.garbageCollection ?? true) this.#addGarbageCollector(options, parts, coordinated);
    const controllers = [...this.#controllers.values()];
    const shown = { manager: this.#manager, caches: this.#caches, controllers, metrics, clock };
    this.#health = options.health && healthServer(options.health, shown);
    if (this.#health) this.#manager.add(this.#health, { group: 'http' });
  }

  get state(): ManagerState {
    return this.#manager.state;
  }

  /**
   * Runs until `signal` aborts or {@link ControlPlane.stop} is called, and then resolves; rejects when something in
   * it breaks or does not stop in time. Runs once.
   *
   * Without a signal, SIGTERM and SIGINT stop it; because the process is about to end then, the store is closed too.
   */
  async run(signal?: AbortSignal): Promise<void> {
    try {
      await this.#manager.run(signal);
    } finally {
      if (this.#manager.stoppedByProcess) await this.#store.close();
    }
  }

  /** Asks for a graceful stop and resolves when `run` has ended. */
  stop(): Promise<void> {
    return this.#manager.stop();
  }

  /** Resolves when the caches are complete and every controller works; rejects when the run ends before that. */
  whenReady(): Promise<void> {
    return this.#manager.whenReady();
  }

  /** Adds something with a life of its own; while the manager runs, it begins at once. */
  add(runnable: Runnable): this {
    this.#manager.add(runnable);
    return this;
  }

  /** The shared cache of a kind. One that nobody named yet is made, and runs as long as the manager does. */
  informer<Kind extends AnyResourceDefinition>(kind: Kind): Informer<ObjectOf<Kind>> {
    return this.#caches.informer(kind);
  }

  /** A controller by its name: to change its concurrency, pause it, or look into its queue. */
  controller(name: string): Controller {
    const controller = this.#controllers.get(name);
    if (controller) return controller;
    const names = [...this.#controllers.keys()].join(', ') || 'none at all';
    throw new SetpointError('NotFound', `no controller is called '${name}'; there is ${names}`);
  }

  /**
   * Who leads among the replicas of this manager, now and after every change, and undefined while nobody does, until
   * `signal` aborts; it works before and after the run too. Throws `Invalid` where the manager has no leader election.
   */
  observeLeader(signal?: AbortSignal): AsyncGenerator<Leader | undefined> {
    const observe = this.#coordinated?.observeLeader;
    if (observe) return observe(signal);
    throw new SetpointError('Invalid', 'observeLeader: this manager has no leaderElection, so nobody leads');
  }

  /** Where the health endpoint listens, once it does; undefined when none was asked for. */
  async healthUrl(): Promise<string | undefined> {
    return this.#health?.url();
  }

  #coordinate(options: ControlPlaneOptions, parts: Parts): Coordinated | undefined {
    const { leaderElection, sharding, controllers = [] } = options;
    if (leaderElection) return electedBy(leaderElection, parts);
    if (!sharding) return undefined;
    const replay = (owns: (key: string) => boolean): void => {
      for (const defined of controllers) {
        const controller = this.#controllers.get(defined.name)!;
        replayKeys({ defined, controller }, parts.caches, owns).catch((error: unknown) => {
          // The caches are closed: the manager stops.
          parts.logger.debug({ err: error }, 'acquired keys were not looked at');
        });
      }
    };
    const ready = () => Promise.all(Array.from(this.#controllers.values(), (controller) => controller.ready()));
    return shardedBy(sharding, parts, { ready, replay });
  }

  #addGarbageCollector({ sharding }: ControlPlaneOptions, parts: Parts, coordinated: Coordinated | undefined): void {
    const { prefix, clock, random, logger, metrics, caches, transformerOf } = parts;
    const store = coordinated?.leaderStore ?? parts.store;
    const client = createClient({ store, prefix, clock, random, transformerOf });
    const collector = sharding
      ? electedCollector({ ...parts, name: sharding.name })
      : createGarbageCollector({ client, clock, random, logger, metrics, kinds: caches.list() });
    this.#manager.add(collector, { group: 'leader-elected' });
  }
}

interface Parts extends Pick<ClientOptions, 'transformerOf'> {
  readonly store: Store;
  readonly prefix: string;
  readonly caches: KindCaches;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}
