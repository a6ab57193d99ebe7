import type { SimulationReport } from 'setpoint/testing';
import type { PartReport } from './worker.ts';

export const sum = <T>(list: readonly T[], of: (one: T) => number): number =>
  list.reduce((total, one) => total + of(one), 0);

/** So many things as equally among so many as can be; nobody gets nothing. */
export function shares(count: number, among: number): number[] {
  const parts = Math.min(count, among);
  return Array.from({ length: parts }, (_, index) => Math.floor((count + index) / parts));
}

/** What the parts of the search over one subject came to so far. */
export class SubjectTotal {
  readonly name: string;
  cpuSeconds = 0;
  readonly #reports: SimulationReport[] = [];

  constructor(name: string) {
    this.name = name;
  }

  add({ report, cpuSeconds }: PartReport): void {
    this.cpuSeconds += cpuSeconds;
    this.#reports.push(report);
  }

  get schedules(): number {
    return sum(this.#reports, ({ schedules }) => schedules);
  }

  get struck(): number {
    return sum(this.#reports, ({ faultsStruck }) => faultsStruck);
  }

  get doubleRuns(): number {
    return sum(this.#reports, ({ doubleRuns }) => doubleRuns);
  }

  get singles(): { readonly run: number; readonly total: number } {
    const of = (which: 'run' | 'total'): number => sum(this.#reports, ({ depth1 }) => depth1[which]);
    return { run: of('run'), total: of('total') };
  }

  /** Whether combinations of faults are worth a look: each alone breaks nothing. */
  get singlesPassed(): boolean {
    const { run, total } = this.singles;
    return run === total && this.failures.length === 0;
  }

  /** Parts may find the same one. */
  get failures(): readonly { readonly text: string }[] {
    const all = this.#reports.flatMap(({ failures }) => failures);
    return [...new Map(all.map((failure) => [failure.text, failure])).values()];
  }

  get figures(): object {
    const { name, schedules, singles, struck, doubleRuns, failures, cpuSeconds } = this;
    return { name, schedules, singles, struck, doubleRuns, failures, cpuSeconds };
  }

  print(): void {
    const { name, schedules, singles, struck, doubleRuns, failures, cpuSeconds } = this;
    const deeper = sum(this.#reports, (report) => report.deeper);
    console.log(
      `${name}: ${schedules} schedules (${singles.run} of ${singles.total} single faults, ${deeper} deeper), ` +
        `${struck} faults struck, ${doubleRuns} run twice, ${Math.round(schedules / cpuSeconds)} for each second of CPU, ` +
        `${failures.length} violations`,
    );
    for (const { text } of failures) console.log(`\n${text}\n`);
  }
}
