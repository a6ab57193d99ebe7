import type { Fault } from './fault.ts';
import type { Point, Snapshot, TraceLine } from './records.ts';
import type { Judgement, SimulationSubject, Violation } from './world-options.ts';

/** What a run without faults did: others are compared with it. */
export interface Reference {
  readonly end: ReadonlyMap<string, string>;
  readonly creates: ReadonlyMap<string, number>;
  readonly commits: number;
  readonly picks: number;
  /** How many steps the user took. */
  readonly steps: number;
  readonly points: readonly Point[];
  readonly snapshots: readonly Snapshot[];
}

export interface ScheduleOptions {
  readonly subject: SimulationSubject;
  readonly judgement: Judgement;
  readonly faults: readonly Fault[];
  /** Absent for the reference run itself. */
  readonly reference?: Reference;
  readonly recording?: boolean;
  readonly covering?: boolean;
  readonly stacks?: boolean;
}

/** What came of one schedule. */
export interface ScheduleResult {
  readonly faults: readonly Fault[];
  /** How many of the faults struck; those whose point was never reached did not. */
  readonly struck: number;
  readonly violations: readonly Violation[];
  readonly picks: number;
  readonly commits: number;
  readonly reconciles: number;
  readonly trace: readonly TraceLine[];
  readonly edges: ReadonlySet<number>;
  readonly reference: Reference | undefined;
}
