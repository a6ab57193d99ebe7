import type { Clock } from '../../internal/clock.ts';
import { type Random, seededRandom } from '../../internal/random.ts';
import type { ControllerDefinition, ControlPlane } from '../../runtime/index.ts';
import type { CallOptions, Revision, Store, WatchBatch, WatchOptions, WatchRequest } from '../../store/index.ts';
import type { Line } from './line.ts';
import type { TimerOwner, WorldClock } from './world-clock.ts';
import type { Externals, SimulatedEnvironment } from './world-options.ts';

/** The calls of a store that a scheduler decides about; `external` is one to the outside world. */
export type CallName =
  | 'range'
  | 'put'
  | 'delete'
  | 'txn'
  | 'compact'
  | 'leaseGrant'
  | 'leaseKeepAlive'
  | 'leaseRevoke'
  | 'leaseTimeToLive'
  | 'leases'
  | 'status'
  | 'members'
  | 'alarms'
  | 'disarm'
  | 'external';

/** One call on its way. */
export interface Call {
  /** Its number in the run; 0 for what is not counted. */
  readonly number: number;
  readonly process: SimulatedProcess;
  readonly name: CallName;
  readonly request: unknown;
  readonly signal: AbortSignal | undefined;
  /** Makes it take effect. */
  readonly make: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Where it was made, when that is looked at. */
  readonly stack: string | undefined;
  /** What it was answered, once it took effect. */
  answer?: { readonly value: unknown } | { readonly error: unknown };
}

/** What a process asks of its world. */
export interface CallPort {
  call(process: SimulatedProcess, name: CallName, request: unknown, options?: CallOptions): Promise<unknown>;
  watch(process: SimulatedProcess, request: WatchRequest, options: WatchOptions): AsyncIterator<WatchBatch>;
}

/**
 * One operating-system process as the simulation has it: a control plane with a clock, a store handle and randomness of
 * its own. When it dies nothing of it acts any more: its calls are never answered, its timers never fire.
 */
export class SimulatedProcess implements TimerOwner {
  readonly name: string;
  /** 1, plus one for each restart. */
  readonly incarnation: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly lines = new Set<Line>();
  /** Keys whose last attempt failed. */
  readonly failing = new Set<string>();
  dead = false;
  pausedUntil = 0;
  manager: ControlPlane | undefined;
  controllers: readonly ControllerDefinition[] = [];
  /** The revisions that lists are answered at, by prefix: for a store member that is behind. */
  readonly listAt = new Map<string, Revision>();

  /** `generation`: of the world; what an earlier one is made from must not be given its uids again. */
  constructor(name: string, incarnation: number, clock: WorldClock, port: CallPort, generation = 0) {
    this.name = name;
    this.incarnation = incarnation;
    this.clock = clock.of(this);
    let seed = incarnation + generation * 1000;
    for (const char of name) seed = Math.imul(seed, 31) + char.codePointAt(0)!;
    this.random = seededRandom(seed);
    this.store = storeOf(this, port);
  }

  /** What its controllers are given. */
  environment(externals: Externals): SimulatedEnvironment {
    const { name, incarnation, clock, random, store } = this;
    return { process: name, incarnation, clock, random, store, externals };
  }

  /** As kill -9. */
  kill(): void {
    this.dead = true;
    for (const line of this.lines) line.finish();
    this.lines.clear();
  }
}

function storeOf(process: SimulatedProcess, port: CallPort): Store {
  const call =
    (name: CallName) =>
    (request?: unknown, options?: CallOptions): Promise<never> =>
      port.call(process, name, request, options) as Promise<never>;
  const bare =
    (name: CallName) =>
    (options?: CallOptions): Promise<never> =>
      port.call(process, name, undefined, options) as Promise<never>;
  return {
    range: call('range'),
    put: call('put'),
    delete: call('delete'),
    txn: call('txn'),
    compact: call('compact'),
    leaseGrant: call('leaseGrant'),
    leaseKeepAlive: call('leaseKeepAlive'),
    leaseRevoke: call('leaseRevoke'),
    leaseTimeToLive: call('leaseTimeToLive'),
    leases: bare('leases'),
    status: bare('status'),
    members: bare('members'),
    alarms: bare('alarms'),
    disarm: call('disarm'),
    watch: (request, options = {}) => ({ [Symbol.asyncIterator]: () => port.watch(process, request, options) }),
    close: () => Promise.resolve(),
  };
}
