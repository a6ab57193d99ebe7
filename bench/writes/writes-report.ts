import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { median } from '../rounds.ts';
import type { Way, WriteFigures } from './write-task.ts';

/** One way with so many writers, a round at a time. */
export interface WriteMeasurement {
  readonly writers: number;
  readonly way: Way;
  readonly rounds: WriteFigures[];
}

interface Aim {
  readonly writers: number;
  readonly what: string;
  /** Of combined writes and those that go one by one. */
  readonly ratio: number;
  readonly wanted: string;
  readonly met: boolean;
}

/** Two runs of the same differ by as much. */
const NOISE = 0.95;
const FASTER_AT = 64;

/** Prints medians, how each aim stands, and one line that says it all. */
export function reportWrites(
  measurements: readonly WriteMeasurement[],
  options: { readonly gate: boolean; readonly json: string | undefined; readonly etcd: string },
): void {
  console.log(row('writers', 'writes/s', 'µs CPU each', 'p50 ms', 'p99 ms'));
  for (const one of measurements) {
    const figures = [of(one, 'perSecond').toFixed(0), of(one, 'cpuUs').toFixed(1)];
    const times = [of(one, 'p50Ms').toFixed(2), of(one, 'p99Ms').toFixed(2)];
    console.log(row(`${one.writers} ${one.way}`, ...figures, ...times));
  }
  const aims = judge(measurements);
  console.log();
  for (const { met, what, writers, ratio, wanted } of aims) {
    console.log(`${met ? 'met    ' : 'NOT MET'}  ${writers} writers: ${what} ${ratio.toFixed(2)} ×, wanted ${wanted}`);
  }
  const met = aims.filter((aim) => aim.met).length;
  console.log(`\nwrites, etcd ${options.etcd}: ${met} of ${aims.length} aims met`);
  if (options.json !== undefined) {
    const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, etcd: options.etcd };
    writeFileSync(options.json, `${JSON.stringify({ machine, results: measurements, aims }, undefined, 2)}\n`);
  }
  if (options.gate && met < aims.length) process.exitCode = 1;
}

function judge(measurements: readonly WriteMeasurement[]): readonly Aim[] {
  return [...new Set(measurements.map(({ writers }) => writers))].flatMap((writers) => {
    const ratioOf = (figure: keyof WriteFigures): number => {
      const figureOf = (way: Way): number =>
        of(
          measurements.find((one) => one.writers === writers && one.way === way)!,
          figure,
        );
      return figureOf('combined') / figureOf('one by one');
    };
    const [rate, p99] = [ratioOf('perSecond'), ratioOf('p99Ms')];
    const least = writers === FASTER_AT ? 5 : writers === 1 ? NOISE : undefined;
    return [
      ...(least === undefined
        ? []
        : [{ writers, what: 'writes per second', ratio: rate, wanted: `at least ${least}`, met: rate >= least }]),
      { writers, what: 'p99', ratio: p99, wanted: 'at most 1.2', met: p99 <= 1.2 },
    ];
  });
}

const of = ({ rounds }: WriteMeasurement, figure: keyof WriteFigures): number =>
  median(rounds.map((round) => round[figure]));

const row = (name: string, ...cells: readonly string[]): string =>
  `  ${name.padEnd(20)}${cells.map((cell) => cell.padStart(13)).join('')}`;
