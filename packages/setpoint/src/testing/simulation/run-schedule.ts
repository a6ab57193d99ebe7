import { isSetpointError } from '../../errors/index.ts';
import { canonicalState } from './canonical.ts';
import { Conclusion } from './conclusion.ts';
import type { Stepwise } from './drain.ts';
import { FaultPlan } from './fault.ts';
import { placeOf } from './place.ts';
import type { Snapshot } from './records.ts';
import { travelBack } from './strikes.ts';
import { World } from './world.ts';
import type { ScheduleOptions, ScheduleResult } from './schedule-result.ts';

/** How long nothing may happen before the user takes the next step. Above what a single failure is put off by. */
const REST_MS = 4000;
/** The same at the end: above every freeze, and above what waits for it. */
const LAST_REST_MS = 30_000;
/** An audit finds lost events within 6¼ minutes. */
const AUDIT_MS = 400_000;
/** How often one state may come back before it is called a circle. */
const CIRCLES_MAX = 4;

/** One schedule from an empty world to its verdict. Each `yield` lets promise jobs run. */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #plan: FaultPlan;
  readonly #world: World;
  readonly #rests: { readonly snapshot: Snapshot; readonly revision: bigint }[] = [];
  readonly #maxPicks: number;
  #picks = 0;
  #scenario: 'running' | 'done' | { readonly error: unknown } = 'running';
  /** When the last step of the user was taken. */
  #tailSince: number | undefined;
  readonly #circles = new Map<string, number>();
  #circledAt = 0;
  readonly #conclusion: Conclusion;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#plan = new FaultPlan(options.faults);
    const content = initialContent(options, this.#plan);
    this.#world = new World({
      subject: options.subject,
      plan: this.#plan,
      recording: options.recording ?? false,
      covering: options.covering ?? false,
      stacks: options.stacks ?? false,
      fenced: options.judgement.fenced ?? (options.subject.replicas ?? 1) > 1,
      onceOutside: options.judgement.onceOutside,
      ...(content && { content }),
    });
    this.#world.onError = (error, panic, where) => this.#judgeError(error, panic, where);
    this.#maxPicks = (options.reference?.picks ?? 1000) * 20 + 5000;
    this.#conclusion = new Conclusion(this.#world, options);
    if (content) this.#world.incomparable = true;
  }

  get world(): World {
    return this.#world;
  }

  *run(): Stepwise<ScheduleResult> {
    const world = this.#world;
    yield;
    for (let index = 1; index <= (this.#options.subject.replicas ?? 1); index++) world.start(`p${index}`);
    this.#begin();
    while (world.violations.length === 0) {
      yield;
      const after = world.afterDrain;
      if (after) {
        world.afterDrain = undefined;
        after();
        continue;
      }
      if (++this.#picks > this.#maxPicks) {
        world.violate({ oracle: 'no-rest', message: `it never comes to rest: ${this.#picks} steps, and still at it` });
        break;
      }
      if (this.#step()) break;
    }
    for (const process of world.processes.values()) process.kill();
    yield;
    return this.#result();
  }

  #begin(): void {
    if (this.#world.incomparable) {
      this.#scenario = 'done';
      return;
    }
    this.#options.subject.scenario(this.#world.user).then(
      () => (this.#scenario = 'done'),
      (error: unknown) => (this.#scenario = { error }),
    );
  }

  /** One pick; says whether the run is over. */
  #step(): boolean {
    const world = this.#world;
    world.making = undefined;
    if (typeof this.#scenario === 'object') {
      const { error } = this.#scenario;
      if (isSetpointError(error) && this.#plan.struck > 0) {
        // The user gives up: what a fault has taken away does not come back.
        world.incomparable = true;
        this.#scenario = 'done';
        return false;
      }
      world.violate({
        oracle: 'scenario',
        message: `the scenario failed: ${String(error)}`,
        ...placeOf(stackOf(error)),
      });
      return true;
    }
    if (this.#scenario === 'done' && this.#tailSince === undefined) this.#tailSince = world.clock.now();
    if (world.steps[0]?.when === 'soon') return this.#act();
    const message = world.inbox.pick();
    if (message) {
      world.deliver(message);
      this.#watchCircles();
      return false;
    }
    const { clock } = world;
    const step = world.steps[0];
    const restAt = this.#restAt(step === undefined && this.#scenario === 'done');
    const next = clock.nextDue;
    if (typeof step?.when === 'number' && step.when <= Math.min(next, restAt)) {
      clock.skipTo(step.when);
      return this.#act();
    }
    if (next <= restAt && next < Infinity) {
      clock.fireNext();
      return false;
    }
    clock.skipTo(restAt);
    return this.#atRest();
  }

  /** When it counts as rest if nothing happens until then. */
  #restAt(tail: boolean): number {
    const world = this.#world;
    const quietMs = tail && !this.#conclusion.begun ? LAST_REST_MS : REST_MS;
    const restAt = world.lastActivity + quietMs;
    if (!tail) return restAt;
    const audited = world.lostEvents ? Math.max(this.#tailSince!, world.lostAt) + AUDIT_MS : 0;
    return Math.max(restAt, audited, world.frozenUntil + 1);
  }

  #act(): boolean {
    const world = this.#world;
    const step = world.steps.shift()!;
    world.note('user', step.label, true);
    world.active();
    void step.act();
    return false;
  }

  /** Nothing is under way: faults that strike then, the next step, or the verdict. Says whether the run is over. */
  #atRest(): boolean {
    const world = this.#world;
    const number = this.#rests.length;
    if (!this.#conclusion.begun) {
      this.#rests.push({ snapshot: this.#mayRestore ? world.state.content() : EMPTY, revision: world.state.revision });
      if (this.#options.recording) world.points.push({ type: 'rest', number });
      if (this.#strikeAtRest(number)) return false;
    }
    const last = world.steps.length === 0 && this.#scenario === 'done';
    if (travelBack(world, last)) return false;
    if (world.steps.length > 0) return this.#act();
    if (this.#scenario === 'running') {
      world.violate({
        oracle: 'scenario',
        message: 'the scenario waits for something that never comes: await only what the user given to it returns',
      });
      return true;
    }
    if (world.inbox.releaseAll()) {
      world.active();
      return false;
    }
    return this.#conclusion.next(this.#tailSince!);
  }

  get #mayRestore(): boolean {
    return this.#options.faults.some(({ kind }) => kind === 'restore');
  }

  #strikeAtRest(number: number): boolean {
    const world = this.#world;
    const faults = this.#plan.take('rest', String(number));
    for (const kind of faults) {
      if (kind === 'restart') for (const process of world.processes.values()) world.crash(process);
      if (kind === 'jump') world.clock.jumpWall(-DAY_MS);
      const earlier = this.#rests[number - 1];
      if (kind === 'restore' && earlier) world.restore(earlier.snapshot, earlier.revision);
    }
    return faults.length > 0;
  }

  /** The very same content again and again, with writes in between and nobody outside acting, will come back for ever. */
  #watchCircles(): void {
    const world = this.#world;
    if (this.#tailSince === undefined || this.#plan.left) return;
    const usual = this.#options.reference?.commits ?? 50;
    if (world.commits < usual + 50 || world.commits === this.#circledAt) return;
    this.#circledAt = world.commits;
    const now = [...canonicalState(world.state.keys)].join('\n');
    const times = (this.#circles.get(now) ?? 0) + 1;
    this.#circles.set(now, times);
    if (times < CIRCLES_MAX) return;
    const message = `it goes in a circle: the same state for the ${times}th time, with ${world.commits} writes so far`;
    world.violate({ oracle: 'no-rest', message });
  }

  #judgeError(error: unknown, panic: boolean, where: string): void {
    const { declared } = this.#options.judgement;
    if (isSetpointError(error) || declared?.(error)) return;
    const text = error instanceof Error ? error.message : String(error);
    const place = placeOf(stackOf(error));
    if (/read only|not extensible|Cannot (add|delete|define) property/.test(text)) {
      const message = `a cached object is changed (${where}): ${text}. Copy it, or build a new one`;
      this.#world.violate({ oracle: 'hygiene', message, ...place });
    } else if (panic) {
      this.#world.violate({ oracle: 'hygiene', message: `${where} throws what only a bug does: ${text}`, ...place });
    }
  }

  #result(): ScheduleResult {
    const world = this.#world;
    const { faults, recording } = this.#options;
    return {
      faults,
      struck: this.#plan.struck,
      violations: world.violations,
      picks: this.#picks,
      commits: world.commits,
      reconciles: world.reconciles,
      trace: world.trace,
      edges: world.coverage?.edges ?? NO_EDGES,
      reference: recording
        ? {
            end: canonicalState(world.state.keys),
            creates: world.creates,
            commits: world.commits,
            picks: this.#picks,
            steps: world.userSteps,
            points: world.points,
            snapshots: world.snapshots,
          }
        : undefined,
    };
  }
}

const EMPTY: Snapshot = new Map();
const NO_EDGES: ReadonlySet<number> = new Set();
const DAY_MS = 86_400_000;

/** `start@5` begins with the state after the fifth revision of the reference run; `without@5.2` lacks its second object. */
function initialContent({ faults, reference }: ScheduleOptions, plan: FaultPlan): Snapshot | undefined {
  for (const { kind, at } of faults) {
    if (kind !== 'start' && kind !== 'without') continue;
    plan.take('start', at);
    const [state, missing] = at.split('.').map(Number);
    const content = new Map(reference?.snapshots[state!] ?? []);
    const key = missing === undefined ? undefined : [...content.keys()].sort()[missing];
    if (key !== undefined) content.delete(key);
    return content;
  }
  return undefined;
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
