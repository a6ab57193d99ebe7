/**
 * # Testing
 *
 * A reconciler runs unchanged in a unit test: on the embedded store, on virtual time, with seeded randomness, so that
 * an hour of back-off passes in a millisecond and the same test gives the same run every time.
 *
 * ```ts
 * const world = await createTestManager({ controllers: [websites] });
 * await world.create(Website, { name: 'hello', spec: { replicas: 3 } });
 * await world.settled();
 * expect(await world.list(Server)).toHaveLength(3);
 * ```
 *
 * Beside it: {@link buildObject} makes objects for tests of pure functions, {@link setpointMatchers} look at
 * conditions and events, {@link interceptStore} lets the n-th call fail, {@link startManagedEtcd} runs a real etcd.
 *
 * And {@link simulate} breaks a controller at every call and every event, on purpose: see `simulation/index.ts`.
 *
 * Next: `test-manager.ts`, then `simulation/index.ts`
 */
export { FakeClock, settle } from '../internal/fake-clock.ts';
export { type Random, seededRandom } from '../internal/random.ts';
export { buildCondition, buildObject, type ObjectRecipe } from './build-object.ts';
export {
  type FailureRule,
  type InterceptedCall,
  type InterceptedStore,
  interceptStore,
  type RecordedCall,
} from './intercept-store.ts';
export { type ManagedEtcd, type ManagedEtcdOptions, startManagedEtcd } from './managed-etcd.ts';
export { type MatcherAnswer, type SetpointMatchers, setpointMatchers } from './matchers.ts';
export { createTestManager, type SettledOptions, type TestManager, type TestManagerOptions } from './test-manager.ts';
export {
  atMost,
  type Draining,
  explore,
  type ExploreOptions,
  type Externals,
  type Fault,
  FAULT_KINDS,
  type FaultKind,
  type Judgement,
  type Law,
  law,
  type LawMonitorOptions,
  monitorLaws,
  noOrphans,
  ownedBy,
  playRecording,
  type RecordedStep,
  type Recording,
  type RecordOptions,
  recordScenario,
  type RecordingGap,
  replay,
  simulate,
  type SimulatedEnvironment,
  type SimulatedFailure,
  type SimulatedUser,
  type SimulationProgress,
  type SimulationReport,
  type SimulationSubject,
  type StepOptions,
  type Violation,
  type WorldState,
} from './simulation/index.ts';
