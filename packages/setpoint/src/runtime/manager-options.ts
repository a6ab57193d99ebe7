import type { ClientOptions } from '../client/index.ts';
import type { ReconcileReport } from '../controller/index.ts';
import type { LeaderElectionOptions, ShardingOptions } from '../coordination/index.ts';
import { SetpointError } from '../errors/index.ts';
import type { MassDeleteOptions } from '../informer/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import type { Runnable } from '../manager/index.ts';
import { type AnyResourceDefinition, checkOptionNames } from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import type { ControllerDefinition } from './define-controller.ts';
import type { HealthOptions } from './health.ts';
import { checkList, checkOptional, CONTROLLER, FLAG, FUNCTION, KIND, RUNNABLE } from './option-shapes.ts';

export interface ControlPlaneOptions {
  /** Where the objects are. Stays open when the manager stops, except at the end of the process: see `run`. */
  readonly store: Store;
  /** What every key starts with. Default `/registry`. */
  readonly prefix?: string;
  readonly controllers?: readonly ControllerDefinition[];
  /** Kinds that no controller names, to be cached and garbage collected all the same. */
  readonly resources?: readonly AnyResourceDefinition[];
  /** Whatever else should live as long: it starts after the caches and before the controllers. */
  readonly runnables?: readonly Runnable[];
  /** Whether objects go when their owners have gone. Default true. */
  readonly garbageCollection?: boolean;
  /**
   * Several replicas, one of which works: its controllers run, and their writes carry its leadership; the others stand
   * by with their caches warm. A leader that loses its leadership ends with `LockLost`, to be started again.
   */
  readonly leaderElection?: LeaderElectionOptions;
  /** Several replicas that share the keys of all controllers; their writes carry the slot of the key that is worked on. */
  readonly sharding?: ShardingOptions;
  /** Asked about every write of this manager's objects before it is sent: see `admit`. */
  readonly admission?: ClientOptions['admission'];
  /** Stands between the objects of a kind and their stored bytes: see `aesGcmTransformer`. */
  readonly transformerOf?: ClientOptions['transformerOf'];
  /**
   * When most of a cache goes at once, its handlers, and so the controllers, are held and `/readyz` fails until somebody
   * who has looked calls `manager.informer(Kind).release()`. The limits; `false` for no guard. Default: more than half
   * of a kind, and at least 100 objects.
   */
  readonly massDelete?: MassDeleteOptions | boolean;
  /** How long what reconciles say by `event` is kept; false: it is not stored at all. Default 1 h. */
  readonly eventTtlMs?: number | false;
  /** Serves `/healthz`, `/readyz`, `/metrics` and `/debug`, on loopback unless told otherwise. Default: no. */
  readonly health?: HealthOptions;
  /** How long a stop may take. Default 30 s, negative for ever. */
  readonly gracefulTimeoutMs?: number;
  /** How long a cache may take to be complete before the start fails. Default 2 min, as controller-runtime. */
  readonly cacheSyncTimeoutMs?: number;
  /** Told of every attempt of every controller that ended. */
  readonly onReconciled?: (report: ReconcileReport) => void;
  readonly clock?: Clock;
  readonly random?: Random;
  /**
   * Default: warnings and errors to standard error, readable on a terminal, JSON otherwise; nothing under a test
   * runner. A pino logger fits.
   */
  readonly logger?: Logger;
  /** Where everything is counted. Default: a registry of its own. */
  readonly metrics?: Metrics;
}

const OPTIONS: readonly string[] = [
  'store',
  'prefix',
  'controllers',
  'resources',
  'runnables',
  'garbageCollection',
  'leaderElection',
  'sharding',
  'admission',
  'transformerOf',
  'massDelete',
  'eventTtlMs',
  'health',
  'gracefulTimeoutMs',
  'cacheSyncTimeoutMs',
  'onReconciled',
  'clock',
  'random',
  'logger',
  'metrics',
] satisfies (keyof ControlPlaneOptions)[];

const ELECTION: readonly string[] = [
  'name',
  'prefix',
  'identity',
  'value',
  'leaseDurationMs',
  'renewDeadlineMs',
  'retryPeriodMs',
] satisfies (keyof LeaderElectionOptions)[];

const SHARDING: readonly string[] = [
  'name',
  'slots',
  'prefix',
  'identity',
  'leaseDurationMs',
  'drainTimeoutMs',
] satisfies (keyof ShardingOptions)[];

const HEALTH: readonly string[] = ['port', 'host', 'allowedHosts', 'debugAnywhere'] satisfies (keyof HealthOptions)[];

const MASS_DELETE: readonly string[] = ['share', 'least'] satisfies (keyof MassDeleteOptions)[];

/**
 * Refuses with `Invalid` what could not work: unknown options, what is not what its option takes, and options that exclude
 * each other. What only its own part can judge (times of an election, a port) is judged there.
 */
export function checkManagerOptions(options: ControlPlaneOptions): void {
  checkOptionNames('createManager', options, OPTIONS);
  const { store, cacheSyncTimeoutMs = 1 } = options;
  if (typeof store?.range !== 'function' || typeof store.watch !== 'function') {
    throw new SetpointError(
      'Invalid',
      `createManager: store must be a Store, such as memoryStore(); got ${typeof store}`,
    );
  }
  checkParts(options);
  if (options.leaderElection && options.sharding) {
    throw new SetpointError(
      'Invalid',
      'createManager: leaderElection and sharding exclude each other: either one replica works, or all share the keys',
    );
  }
  if (!(cacheSyncTimeoutMs > 0)) {
    const got = String(cacheSyncTimeoutMs);
    throw new SetpointError('Invalid', `createManager: cacheSyncTimeoutMs must be a number above 0; got ${got}`);
  }
  refuseRepeatedNames(options.controllers ?? []);
}

function checkParts(options: ControlPlaneOptions): void {
  const { leaderElection, sharding, health, massDelete } = options;
  checkList('createManager: controllers', options.controllers, CONTROLLER);
  checkList('createManager: resources', options.resources, KIND);
  checkList('createManager: runnables', options.runnables, RUNNABLE);
  checkOptional('createManager: garbageCollection', options.garbageCollection, FLAG);
  checkOptional('createManager: transformerOf', options.transformerOf, FUNCTION);
  checkOptional('createManager: onReconciled', options.onReconciled, FUNCTION);
  if (leaderElection) checkOptionNames('createManager: leaderElection', leaderElection, ELECTION);
  if (sharding) checkOptionNames('createManager: sharding', sharding, SHARDING);
  if (health) checkOptionNames('createManager: health', health, HEALTH);
  if (massDelete !== undefined && typeof massDelete !== 'boolean') {
    checkOptionNames('createManager: massDelete', massDelete, MASS_DELETE);
  }
}

function refuseRepeatedNames(controllers: readonly ControllerDefinition[]): void {
  const names = controllers.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated === undefined) return;
  throw new SetpointError('Invalid', `two controllers are called '${repeated}': give one of them a name of its own`);
}
