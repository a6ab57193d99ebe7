import type { ApplyInput, Client, ObjectInput, ObjectRef } from '../client/index.ts';
import type { ReconcileReport } from '../controller/index.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { type Random, seededRandom } from '../internal/random.ts';
import type { AnyResourceDefinition, ObjectOf } from '../resource/index.ts';
import { type ControlPlane, type ControlPlaneOptions, createManager } from '../runtime/index.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { pacedStore } from './paced-store.ts';

export interface TestManagerOptions extends Omit<ControlPlaneOptions, 'store' | 'clock' | 'random'> {
  /** Default: a new memory store on the test's clock. Wrap one in `interceptStore` to break it. */
  readonly store?: Store | ((clock: FakeClock) => Store);
  /** Default: a new one. Give it where a reconciler takes a clock too. */
  readonly clock?: FakeClock;
  /** Gives uids, delays and ids. Default 1. */
  readonly seed?: number;
}

export interface SettledOptions {
  /** How long nothing may happen before it counts as rest. Default 2 s, above every delay of a single failure. */
  readonly quietMs?: number;
  /** How much virtual time it may take. Default 10 min. */
  readonly withinMs?: number;
  /** How often one key may be reconciled meanwhile. Default 1,000: what makes something new each time never rests. */
  readonly attemptsMax?: number;
}

/** A control plane that runs on virtual time in a test, and short cuts to what tests do with one. */
export interface TestManager extends AsyncDisposable {
  readonly manager: ControlPlane;
  readonly clock: FakeClock;
  readonly store: Store;
  readonly client: Client;
  /** Every attempt that ended, in order. */
  readonly reports: readonly ReconcileReport[];
  create<Kind extends AnyResourceDefinition>(kind: Kind, input: ObjectInput<Kind>): Promise<ObjectOf<Kind>>;
  apply<Kind extends AnyResourceDefinition>(kind: Kind, input: ApplyInput<Kind>): Promise<ObjectOf<Kind>>;
  get<Kind extends AnyResourceDefinition>(kind: Kind, ref: ObjectRef): Promise<ObjectOf<Kind>>;
  /** In key order. */
  list<Kind extends AnyResourceDefinition>(kind: Kind): Promise<readonly ObjectOf<Kind>[]>;
  delete<Kind extends AnyResourceDefinition>(kind: Kind, ref: ObjectRef): Promise<void>;
  /** Moves virtual time on. */
  advance(byMs: number): Promise<void>;
  /**
   * Skips time until nothing happens any more: for `quietMs` no write and no failed attempt. Rejects with `Timeout`,
   * saying what goes on, when that is not so after `withinMs`, or when a key was reconciled more than `attemptsMax` times.
   */
  settled(options?: SettledOptions): Promise<void>;
  /** Ends the run. A test that forgets it leaks nothing: no timer of it is real. */
  stop(): Promise<void>;
}

/**
 * Starts a manager on virtual time and resolves when its caches are complete and its controllers work.
 *
 * ```ts
 * const world = await createTestManager({ controllers: [websites] });
 * await world.create(Website, { name: 'a', spec: { replicas: 2, message: 'hi' } });
 * await world.settled();
 * expect(await world.list(Server)).toHaveLength(2);
 * ```
 */
export async function createTestManager(options: TestManagerOptions = {}): Promise<TestManager> {
  const { store: given, clock = new FakeClock(), seed = 1, onReconciled, ...rest } = options;
  const random: Random = seededRandom(seed);
  const store = typeof given === 'function' ? given(clock) : (given ?? memoryStore({ clock, random }));
  const reports: ReconcileReport[] = [];
  const manager = createManager({
    ...rest,
    store: pacedStore(store, clock),
    clock,
    random,
    onReconciled: (report) => {
      reports.push(report);
      onReconciled?.(report);
    },
  });
  const abort = new AbortController();
  const run = manager.run(abort.signal);
  let failure: { readonly error: unknown } | undefined;
  run.catch((error: unknown) => (failure = { error }));
  await skipUntil(clock, () => failure !== undefined || manager.state === 'ready');
  if (failure) throw failure.error;
  const stop = async (): Promise<void> => {
    abort.abort();
    await skipUntil(clock, () => manager.state === 'stopped');
    await run;
  };
  return {
    manager,
    clock,
    store,
    client: manager.client,
    reports,
    create: (kind, input) => manager.client.resource(kind).create(input),
    apply: (kind, input) => manager.client.resource(kind).apply(input),
    get: (kind, ref) => manager.client.resource(kind).get(ref),
    list: async (kind) => (await manager.client.resource(kind).list()).items,
    delete: async (kind, ref) => void (await manager.client.resource(kind).delete(ref)),
    advance: (byMs) => clock.advance(byMs),
    settled: (limits) => untilQuiet({ clock, store, reports }, limits),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Far more than a start or a stop takes; what is not over by then hangs. */
const HANGS_AFTER_MS = 3_600_000;

async function skipUntil(clock: FakeClock, reached: () => boolean): Promise<void> {
  const end = clock.now() + HANGS_AFTER_MS;
  await clock.advance(0);
  while (!reached() && clock.now() < end) await clock.advance(clock.nextTimerIn ?? HANGS_AFTER_MS);
}

async function untilQuiet(
  { clock, store, reports }: { clock: FakeClock; store: Store; reports: readonly ReconcileReport[] },
  { quietMs = 2000, withinMs = 600_000, attemptsMax = 1000 }: SettledOptions = {},
): Promise<void> {
  const end = clock.now() + withinMs;
  const revision = async (): Promise<bigint> => (await store.range({ key: '\0', countOnly: true })).revision;
  const attempts = new Map<string, number>();
  let counted = reports.length;
  await clock.advance(0);
  for (let [before, seen] = [await revision(), 0]; ;) {
    seen = reports.length;
    await clock.advance(quietMs);
    const now = await revision();
    const failed = reports.slice(seen).find(({ outcome }) => outcome.type === 'error');
    if (now === before && !failed) return;
    const often = mostOften(reports.slice(counted), attempts);
    counted = reports.length;
    if (often > attemptsMax)
      throw stillBusy(`after ${often} reconciles of one key`, now - before, reports.at(-1), failed);
    if (clock.now() >= end) {
      throw stillBusy(`within ${withinMs} ms of virtual time`, now - before, reports.at(-1), failed);
    }
    before = now;
  }
}

/** Counts these attempts too, and says how often the key that they made most frequent was tried. */
function mostOften(reports: readonly ReconcileReport[], attempts: Map<string, number>): number {
  let most = 0;
  for (const { controller, key } of reports) {
    const count = (attempts.get(`${controller} ${key}`) ?? 0) + 1;
    attempts.set(`${controller} ${key}`, count);
    most = Math.max(most, count);
  }
  return most;
}

function stillBusy(
  sinceWhen: string,
  writes: bigint,
  last: ReconcileReport | undefined,
  failed: ReconcileReport | undefined,
): SetpointError {
  const attempt = failed ?? last;
  const who = attempt ? `; ${failed ? 'failing' : 'the last attempt'}: ${attempt.controller} of ${attempt.key}` : '';
  const cause = failed?.outcome.type === 'error' ? failed.outcome.error : undefined;
  return new SetpointError(
    'Timeout',
    `no rest ${sinceWhen}: ${writes} writes in the last stretch${who}. ` +
      'A reconcile that writes each time it runs, makes something new, or always fails, never comes to rest',
    { cause },
  );
}
