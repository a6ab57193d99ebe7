import type { ControllerDefinition, ControlPlaneOptions } from '../../runtime/index.ts';
import type { AnyResourceDefinition } from '../../resource/index.ts';
import type { Clock } from '../../internal/clock.ts';
import type { Random } from '../../internal/random.ts';
import type { Store } from '../../store/index.ts';
import type { Law } from './law.ts';
import type { WorldState } from './state.ts';
import type { SimulatedUser } from './user.ts';

/** What a process of the simulation is made with. */
export interface SimulatedEnvironment {
  /** `p1`, `p2`, … */
  readonly process: string;
  /** 1, plus one for each restart: memory is not kept over one. */
  readonly incarnation: number;
  /** For reconcilers that take a clock. */
  readonly clock: Clock;
  readonly random: Random;
  /** The store as this process reaches it, under faults like every call. */
  readonly store: Store;
  /** The outside world, each function of it a call that faults strike. */
  readonly externals: Externals;
}

/** Systems outside the store: functions that take effect, by system and name. */
export type Externals = Readonly<Record<string, Readonly<Record<string, (...args: never[]) => unknown>>>>;

/** What is simulated. The controllers are those of production, unchanged. */
export interface SimulationSubject {
  /** In seeds and reports. Default: the names of the controllers. */
  readonly name?: string;
  /**
   * What each process runs. A function is called at every start of a process, so that what a reconciler keeps in memory
   * is lost as it is in production; a plain list is shared by all, and its memory outlives a crash.
   */
  readonly controllers:
    | readonly ControllerDefinition[]
    | ((environment: SimulatedEnvironment) => readonly ControllerDefinition[]);
  readonly resources?: readonly AnyResourceDefinition[];
  /** Further options of each process's manager, such as leader election. */
  readonly manager?: (environment: SimulatedEnvironment) => Partial<ControlPlaneOptions>;
  /** How many processes run at once. Default 1. */
  readonly replicas?: number;
  /** What the user does. */
  scenario(user: SimulatedUser): Promise<void>;
  /** Whether what is, is what is wanted: must become true after the last step and fault, and stay so. */
  readonly matches?: Law['check'];
  /** Must hold at every revision. */
  readonly always?: readonly Law[];
  /** Must hold at some time after the last step. */
  readonly eventually?: readonly Law[];
  /** Makes the outside world anew for each schedule; the laws see it as `state.externals`. */
  readonly externals?: () => Externals;
  /** Default `/registry`. */
  readonly prefix?: string;
}

/** What a run of one schedule is judged by beyond the subject's own laws. */
export interface Judgement {
  /** Whether what is stored at the end must equal what a run without faults ends with. Default true. */
  readonly sameEnd?: boolean;
  /** Whether no key may be created more often than without faults. Default true. */
  readonly noExtraCreates?: boolean;
  /**
   * The idempotency key of a call to the outside world (`system.name` and its arguments), where it has one: no two of its
   * calls with one key may take effect.
   */
  readonly onceOutside?: (call: string, args: readonly unknown[]) => string | undefined;
  /** Whether restarting every process at the last rest must write nothing: memory is not where state is. Default true. */
  readonly quietRestart?: boolean;
  /** Writes allowed beyond a run without faults: `factor` × its writes + `plus` for each fault. Default 3 and 30. */
  readonly writes?: { readonly factor: number; readonly plus: number };
  /** Whether timers of its own are named as a failure. Default true; false lets virtual time move them. */
  readonly noHiddenTimers?: boolean;
  /** Errors that a reconciler may throw although only a bug throws their like. */
  readonly declared?: (error: unknown) => boolean;
  /** Whether no process may write after another one took its place. Default: with more than one replica. */
  readonly fenced?: boolean;
}

/** What broke, in one word and one sentence. */
export interface Violation {
  readonly oracle:
    | 'always'
    | 'matches'
    | 'eventually'
    | 'no-rest'
    | 'end-state'
    | 'extra-creates'
    | 'extra-effects'
    | 'not-idempotent'
    | 'restart'
    | 'write-amplification'
    | 'fencing'
    | 'hygiene'
    | 'escape'
    | 'determinism'
    | 'scenario';
  readonly message: string;
  /** Where in the sources, when that is known. */
  readonly place?: string;
}

export type { WorldState };
