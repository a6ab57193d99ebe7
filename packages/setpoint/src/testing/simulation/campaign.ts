import { isDeepStrictEqual } from 'node:util';
import { SetpointError } from '../../errors/index.ts';
import { systemClock } from '../../internal/clock.ts';
import { type Random, seededRandom } from '../../internal/random.ts';
import { enterWorld } from './ambient.ts';
import { stateDifference } from './canonical.ts';
import { drive, fastestDraining, type Stepwise } from './drain.ts';
import { watchEscapes } from './escapes.ts';
import { checkExploreOptions, type ExploreOptions } from './explore-options.ts';
import { type Fault, FAULT_KINDS, faultsText, isOmission } from './fault.ts';
import { diverseFirst, singleFaults } from './fault-space.ts';
import { describeFailure, type SimulatedFailure } from './report.ts';
import { Schedule } from './run-schedule.ts';
import { shrink } from './shrink.ts';
import type { Reference, ScheduleOptions, ScheduleResult } from './schedule-result.ts';
import type { SimulationSubject, Violation } from './world-options.ts';

/** What a search did and found. */
export interface SimulationReport {
  readonly name: string;
  readonly schedules: number;
  /** Faults that struck, over all schedules. */
  readonly faultsStruck: number;
  /** Every single fault there is, and how many were run. */
  readonly depth1: { readonly total: number; readonly run: number };
  /** Schedules with more than one fault. */
  readonly deeper: number;
  readonly reconciles: number;
  readonly doubleRuns: number;
  readonly failures: readonly SimulatedFailure[];
  readonly elapsedMs: number;
  /** How long it took at most to make a failure small: real milliseconds. */
  readonly shrinkMs: number;
}

const REPLAY = 'npx vitest run';

/** The search for schedules that break a subject. One is good for one search. */
export class Campaign {
  readonly name: string;
  readonly #options: ExploreOptions;
  readonly #random: Random;
  readonly #failures: SimulatedFailure[] = [];
  readonly #edges = new Set<number>();
  /** Schedules that reached something new: what deeper ones are made from. */
  readonly #corpus: (readonly Fault[])[] = [];
  /** The runs without faults: of the whole scenario, and, while a failure is made small, of some that lack steps. */
  readonly #references = new Map<string, Reference>();
  #schedules = 0;
  #struck = 0;
  #singlesRun = 0;
  #deeper = 0;
  #reconciles = 0;
  #doubleRuns = 0;
  #shrinkMs = 0;
  readonly #startedAt = systemClock.now();

  constructor(options: ExploreOptions) {
    checkExploreOptions(options);
    this.#options = options;
    this.name = nameOf(options);
    this.#random = seededRandom(options.seed ?? 1);
  }

  /** Runs everything that the budget allows. */
  async explore(): Promise<SimulationReport> {
    const singles = await this.#begin();
    if (this.#failures.length > 0) return this.#report(singles.length);
    const { depth = 2 } = this.#options;
    const total = depth === 'deeper' ? 0 : singles.length;
    if (total > 0) await this.#runAll(singles.map((fault) => [fault]).values(), () => this.#singlesRun++);
    const goesDeeper = depth !== 1 && this.#singlesRun === total && singles.length > 0;
    if (goesDeeper) await this.#runAll(this.#combinations(singles), () => this.#deeper++);
    return this.#report(total);
  }

  /** Runs one schedule, twice, and says how it failed; undefined when it did not. */
  async replay(faults: readonly Fault[]): Promise<SimulatedFailure | undefined> {
    await this.#begin();
    if (this.#failures.length > 0) return this.#failures[0];
    await this.#referTo(faults.filter(isOmission));
    return this.#examine(faults);
  }

  /** The run without faults, which everything is compared with. Gives the faults that there are. */
  async #begin(): Promise<readonly Fault[]> {
    const failure = await this.#examine([], true);
    if (failure) this.#failures.push(failure);
    const { faults = 'all' } = this.#options;
    const kinds = new Set(faults === 'all' ? FAULT_KINDS.filter((kind) => kind !== 'travel') : faults);
    if ((this.#options.replicas ?? 1) === 1) kinds.delete('pause');
    return diverseFirst(singleFaults(this.#whole, kinds), this.#whole);
  }

  get #whole(): Reference {
    return this.#references.get(faultsText([]))!;
  }

  /** Runs a scenario that lacks these steps without faults; undefined where that fails. */
  async #referTo(omissions: readonly Fault[]): Promise<Reference | undefined> {
    const known = this.#references.get(faultsText(omissions));
    if (known) return known;
    const { reference, violations } = await this.#runOne({ ...this.#scheduleOf(omissions), recording: true });
    if (!reference || violations.length > 0) return undefined;
    this.#references.set(faultsText(omissions), reference);
    return reference;
  }

  /** A run with everything looked at, and a second one that must be its equal. */
  async #examine(faults: readonly Fault[], isReference = false): Promise<SimulatedFailure | undefined> {
    const [first, second] = [await this.#underMicroscope(faults), await this.#underMicroscope(faults)];
    if (isReference) this.#references.set(faultsText([]), first.reference!);
    this.#doubleRuns++;
    const [violation] = first.violations;
    const difference = runDifference(first, second);
    if (difference !== undefined && violation?.oracle !== 'escape') {
      const message = `two runs of the same schedule differ: ${difference}. Does it read something of the machine?`;
      return describeFailure(this.name, { ...first, violations: [{ oracle: 'determinism', message }] }, REPLAY);
    }
    return violation && describeFailure(this.name, first, REPLAY);
  }

  async #underMicroscope(faults: readonly Fault[]): Promise<ScheduleResult> {
    let escapes: ReturnType<ReturnType<typeof watchEscapes>> = [];
    const result = await this.#runOne({ ...this.#scheduleOf(faults), recording: true, stacks: true }, () => {
      const stop = watchEscapes();
      return () => (escapes = stop());
    });
    const [escape] = escapes;
    if (!escape) return result;
    const message =
      `real work outside the simulation: ${escape.type}. Virtual time can't wait for it: ` +
      'give it to the reconciler as one of the externals, or as a store or clock';
    const { place } = escape;
    return { ...result, violations: [{ oracle: 'escape', message, ...(place && { place }) }, ...result.violations] };
  }

  #scheduleOf(faults: readonly Fault[]): ScheduleOptions {
    const reference = this.#references.get(faultsText(faults.filter(isOmission)));
    return { subject: this.#options, judgement: this.#options, faults, ...(reference && { reference }) };
  }

  async #runOne(options: ScheduleOptions, around?: () => () => void): Promise<ScheduleResult> {
    let result: ScheduleResult | undefined;
    const work = [options];
    const draining = this.#options.draining ?? fastestDraining;
    const next = (): Stepwise<void> | undefined => {
      const one = work.pop();
      return one && this.#stepwise(one, (each) => (result = each), around);
    };
    await drive(next, draining);
    return result!;
  }

  *#stepwise(
    options: ScheduleOptions,
    done: (result: ScheduleResult) => void,
    around?: () => () => void,
  ): Stepwise<void> {
    const schedule = new Schedule(options);
    const leave = enterWorld(schedule.world, this.#options.noHiddenTimers ?? true);
    const { stackTraceLimit } = Error;
    // Stacks are costly and name places, which only runs under the microscope tell.
    if (!options.stacks) Error.stackTraceLimit = 0;
    const after = around?.();
    try {
      done(yield* schedule.run());
    } finally {
      after?.();
      Error.stackTraceLimit = stackTraceLimit;
      leave();
    }
  }

  /** Runs schedules until there are no more, the budget is used up, or enough has failed. */
  async #runAll(schedules: Iterator<readonly Fault[]>, count: () => void): Promise<void> {
    const { failuresMax = 1, doubleEvery = 100 } = this.#options;
    const suspects: ScheduleResult[] = [];
    const doubles: (readonly Fault[])[] = [];
    let over = false;
    let until = 0;
    const next = (): Stepwise<void> | undefined => {
      if (this.#spent || suspects.length > 0 || systemClock.now() >= until) return undefined;
      const { value: faults, done } = schedules.next();
      if (done === true) {
        over = true;
        return undefined;
      }
      return this.#stepwise({ ...this.#scheduleOf(faults), covering: true }, (result) => {
        count();
        this.#take(result);
        if (result.violations.length > 0) suspects.push(result);
        else if (this.#schedules % doubleEvery === 0) doubles.push(faults);
      });
    };
    while (!over && !this.#spent && this.#failures.length < failuresMax) {
      until = systemClock.now() + SLICE_MS;
      await drive(next, this.#options.draining ?? fastestDraining);
      for (const suspect of suspects.splice(0)) await this.#judge(suspect);
      for (const faults of doubles.splice(0)) await this.#judgeDouble(faults);
      this.#options.onProgress?.({ schedules: this.#schedules, failures: this.#failures.length });
    }
  }

  #take(result: ScheduleResult): void {
    this.#schedules++;
    this.#struck += result.struck;
    this.#reconciles += result.reconciles;
    const known = this.#edges.size;
    for (const edge of result.edges) this.#edges.add(edge);
    if (this.#edges.size > known && result.faults.length < 3 && this.#corpus.length < 5000)
      this.#corpus.push(result.faults);
  }

  /** A schedule failed: the smallest one that fails alike is what is told. */
  async #judge({ faults, violations }: ScheduleResult): Promise<void> {
    const since = systemClock.now();
    const smallest = await this.#shrink(faults, violations[0]!.oracle);
    this.#shrinkMs = Math.max(this.#shrinkMs, Math.round(systemClock.now() - since));
    const failure = await this.#examine(smallest);
    if (failure) {
      if (!this.#failures.some(({ text }) => text === failure.text)) this.#failures.push(failure);
      return;
    }
    const message = 'a schedule failed, and did not when it was run again';
    const result = await this.#underMicroscope(faults);
    this.#failures.push(
      describeFailure(this.name, { ...result, violations: [{ oracle: 'determinism', message }] }, REPLAY),
    );
  }

  async #judgeDouble(faults: readonly Fault[]): Promise<void> {
    const failure = await this.#examine(faults);
    if (failure) this.#failures.push(failure);
  }

  #shrink(faults: readonly Fault[], oracle: Violation['oracle']): Promise<readonly Fault[]> {
    return shrink(faults, oracle, {
      steps: this.#whole.steps,
      now: () => systemClock.now(),
      breaks: async (fewer) => (await this.#runOne(this.#scheduleOf(fewer))).violations[0]?.oracle,
      referTo: (omissions) => this.#referTo(omissions),
    });
  }

  /** Pairs and triples: one of what led somewhere new, and one more at random. */
  *#combinations(singles: readonly Fault[]): Generator<readonly Fault[]> {
    const any = <T>(list: readonly T[]): T => list[Math.floor(this.#random.next() * list.length)]!;
    const seen = new Set<string>();
    for (let repeats = 0; repeats < 1000;) {
      const base = this.#corpus.length > 0 && this.#random.next() < 0.7 ? any(this.#corpus) : [any(singles)];
      const faults = [...base, any(singles)];
      const text = faultsText(faults);
      repeats++;
      if (seen.has(text)) continue;
      repeats = 0;
      seen.add(text);
      yield faults;
    }
  }

  get #spent(): boolean {
    const { schedules = 2000, ms = 20_000 } = this.#options.budget ?? {};
    return this.#schedules >= schedules || this.#elapsedMs >= ms;
  }

  get #elapsedMs(): number {
    return systemClock.now() - this.#startedAt;
  }

  #report(total: number): SimulationReport {
    return {
      name: this.name,
      schedules: this.#schedules,
      faultsStruck: this.#struck,
      depth1: { total, run: this.#singlesRun },
      deeper: this.#deeper,
      reconciles: this.#reconciles,
      doubleRuns: this.#doubleRuns,
      failures: this.#failures,
      elapsedMs: Math.round(this.#elapsedMs),
      shrinkMs: this.#shrinkMs,
    };
  }
}

/** How long one stretch of schedules holds up everything else in the process. */
const SLICE_MS = 40;

function nameOf({ name, controllers }: SimulationSubject): string {
  if (name !== undefined) {
    if (/^[a-zA-Z0-9_.-]+$/.test(name)) return name;
    throw new SetpointError('Invalid', `simulate: name must be letters, digits, '.', '_' and '-'; got '${name}'`);
  }
  return typeof controllers === 'function' ? 'simulation' : controllers.map((each) => each.name).join('+');
}

/** How two runs of one schedule differ, line by line and in what they left stored; undefined when they do not. */
function runDifference(first: ScheduleResult, second: ScheduleResult): string | undefined {
  if (isDeepStrictEqual(first.trace, second.trace)) {
    return stateDifference(first.reference!.end, second.reference!.end)?.replace('without faults', 'in one');
  }
  const at = first.trace.findIndex((line, index) => !isDeepStrictEqual(line, second.trace[index]));
  const [a, b] = [first.trace[at], second.trace[at]];
  return `'${a?.text ?? 'the end'}' in one is '${b?.text ?? 'the end'}' in the other`;
}
