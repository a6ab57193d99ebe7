/**
 * # Simulation
 *
 * Breaks controllers before production does. The real runtime (informers, queues, controllers, client) runs on virtual
 * time over the memory store, and every call and every delivery passes a scheduler that can lose it, hold it back, or
 * let the process die around it. First every single fault at every point, then combinations, led by what is new.
 *
 * ```ts
 * await simulate({ controllers: () => [websites], scenario, matches, always: [atMost(Server, 4)] });
 * ```
 *
 * What is controlled: the store, watches, timers and dates, randomness, the outside world given as `externals`. What is
 * not: real I/O, threads, native code; runs that do such things fail and say where. Promise jobs run in the one order
 * that the language gives them; what can interleave is what waits for the store, a timer or an external.
 *
 * Next: `simulate.ts`, then `fault.ts` for what can happen, `world.ts` for how, `run-schedule.ts` for the verdict
 */
export type { SimulationReport } from './campaign.ts';
export type { ExploreOptions, SimulationProgress } from './explore-options.ts';
export type { Draining } from './drain.ts';
export { type Fault, FAULT_KINDS, type FaultKind } from './fault.ts';
export { atMost, type Law, law, noOrphans, ownedBy } from './law.ts';
export { type LawMonitorOptions, monitorLaws } from './monitor-laws.ts';
export {
  playRecording,
  type RecordedStep,
  type Recording,
  type RecordOptions,
  recordScenario,
  type RecordingGap,
} from './record-scenario.ts';
export type { SimulatedFailure } from './report.ts';
export { explore, replay, simulate } from './simulate.ts';
export type { WorldState } from './state.ts';
export type { SimulatedUser, StepOptions } from './user.ts';
export type { Externals, Judgement, SimulatedEnvironment, SimulationSubject, Violation } from './world-options.ts';
