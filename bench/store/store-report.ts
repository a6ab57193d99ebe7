import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { judge, type Verdict } from './aims.ts';
import { medianOf, type StoreMeasurement } from './measure.ts';
import type { Figures } from './task.ts';

export interface StoreReportOptions {
  /** Whether an aim that isn't met makes the program fail. */
  readonly gate: boolean;
  /** A file for everything that was measured. */
  readonly json: string | undefined;
  readonly etcd: string;
}

const COLUMNS: readonly (readonly [title: string, figure: keyof Figures, unit: number])[] = [
  ['wall ms', 'wallMs', 1],
  ['CPU ms', 'cpuMs', 1],
  ['peak MB', 'peakMb', 1],
  ['p50 ms', 'p50Ms', 0.01],
  ['p99 ms', 'p99Ms', 0.01],
];

/** Prints medians, how each aim stands, and one line that says it all. */
export function reportStore(measurements: readonly StoreMeasurement[], options: StoreReportOptions): void {
  for (const scenario of new Set(measurements.map((one) => one.scenario))) {
    const rows = measurements.filter((one) => one.scenario === scenario);
    const [{ count, rounds }] = rows as [StoreMeasurement];
    console.log(`\n${scenario} of ${count.toLocaleString('en')}, medians of ${rounds.length} rounds`);
    console.log(row('', [...COLUMNS.map(([title]) => title), 'µs CPU each']));
    for (const one of rows) console.log(row(one.contestant, cellsOf(one)));
  }
  const verdicts = judge(measurements);
  console.log();
  for (const verdict of verdicts) console.log(`${verdict.met ? 'met    ' : 'NOT MET'}  ${sentence(verdict)}`);
  const met = verdicts.filter((verdict) => verdict.met).length;
  console.log(
    `\nstore, etcd ${options.etcd}: ${met} of ${verdicts.length} aims met: ${verdicts.map(short).join(', ')}`,
  );
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(measurements, verdicts, options));
  if (options.gate && met < verdicts.length) process.exitCode = 1;
}

function cellsOf(one: StoreMeasurement): string[] {
  const cells = COLUMNS.map(([, figure, unit]) => rounded(medianOf(one, figure), unit));
  const cpuMs = medianOf(one, 'cpuMs');
  return [...cells, rounded(cpuMs === undefined ? undefined : (cpuMs * 1000) / one.count, 0.1)];
}

function rounded(value: number | undefined, unit: number): string {
  if (value === undefined) return '–';
  return (Math.round(value / unit) * unit).toFixed(Math.round(-Math.log10(unit)));
}

const row = (name: string, cells: readonly string[]): string =>
  `  ${name.padEnd(24)}${cells.map((cell) => cell.padStart(13)).join('')}`;

const inWords = (ratio: number | undefined): string => (ratio === undefined ? 'not measured' : `${ratio.toFixed(2)} ×`);

const sentence = ({ scenario, contestant, peer, figure, max, ratio }: Verdict): string =>
  `${scenario}: ${figure} of ${contestant} is ${inWords(ratio)} that of ${peer}, wanted at most ${max.toFixed(2)}`;

const short = ({ scenario, peer, figure, ratio, met }: Verdict): string =>
  `${scenario} ${figure} ${inWords(ratio)} ${peer}${met ? '' : ' (!)'}`;

function jsonOf(
  measurements: readonly StoreMeasurement[],
  verdicts: readonly Verdict[],
  { etcd }: StoreReportOptions,
): string {
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, etcd };
  return `${JSON.stringify({ machine, results: measurements, aims: verdicts }, undefined, 2)}\n`;
}
