import type { FaultPlan } from './fault.ts';
import type { Judgement, SimulationSubject } from './world-options.ts';

/** One line of what happened. */
export interface TraceLine {
  readonly at: number;
  readonly who: string;
  readonly text: string;
  /** A fault, or what the user did: always shown. */
  readonly weighty: boolean;
}

/** A call or a delivery as faults can strike it. */
export type Point =
  | {
      readonly type: 'call';
      readonly number: number;
      readonly process: string;
      readonly write: boolean;
      /** The same for calls that are alike in every respect: what strikes one need not strike the other. */
      readonly likeness: string;
      /** Which call of which key it is, whenever. */
      readonly sort: string;
    }
  | { readonly type: 'event'; readonly line: string; readonly number: number }
  | { readonly type: 'rest'; readonly number: number };

export interface WorldOptions {
  readonly subject: SimulationSubject;
  readonly plan: FaultPlan;
  /** Whether to keep the trace, the points and the states. Slower. */
  readonly recording: boolean;
  /** Whether to note which action follows which. */
  readonly covering: boolean;
  /** Whether only one process at a time may write. */
  readonly fenced: boolean;
  /** Whether to note where calls are made. Much slower. */
  readonly stacks: boolean;
  /** The idempotency key of a call to the outside, where it has one. */
  readonly onceOutside: Judgement['onceOutside'];
  /** What is stored when the world begins. */
  readonly content?: ReadonlyMap<string, Uint8Array>;
}

/** The content of a store at one revision. */
export type Snapshot = ReadonlyMap<string, Uint8Array>;
