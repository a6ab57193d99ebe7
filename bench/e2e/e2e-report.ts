import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { judge, type Measured, medianOf, type Mode, rateOf, type Verdict } from './aims.ts';

export interface E2eReportOptions {
  /** Whether an aim that isn't met makes the program fail. */
  readonly gate: boolean;
  /** A file for everything that was measured. */
  readonly json: string | undefined;
  readonly etcd: string;
}

const TITLES: Readonly<Record<Mode, string>> = {
  before: 'all objects there before the controller starts',
  while: 'objects created while it runs, 64 at a time',
  paced: 'objects created at 1,000 a second',
};

const HEADINGS = ['workers', 'statuses/s', 'objects/s', 'p50 ms', 'p99 ms', 'µs CPU each', 'peak MB'];

/** Prints medians, how each aim stands, and one line that says it all. */
export function reportE2e(measured: readonly Measured[], options: E2eReportOptions): void {
  for (const mode of new Set(measured.map((one) => one.mode))) {
    const rows = measured.filter((one) => one.mode === mode);
    console.log(
      `\n${TITLES[mode]}: ${rows[0]!.count.toLocaleString('en')}, medians of ${rows[0]!.rounds.length} rounds`,
    );
    console.log(line('', HEADINGS));
    for (const one of rows) console.log(line(one.contestant, cellsOf(one)));
  }
  const verdicts = judge(measured);
  console.log();
  for (const { what, value, wanted, met } of verdicts) {
    console.log(`${met ? 'met    ' : 'NOT MET'}  ${what}: ${inWords(value)}, wanted ${wanted}`);
  }
  const met = verdicts.filter((verdict) => verdict.met).length;
  console.log(`\ne2e, etcd ${options.etcd}: ${met} of ${verdicts.length} aims met: ${verdicts.map(short).join(', ')}`);
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(measured, verdicts, options));
  if (options.gate && met < verdicts.length) process.exitCode = 1;
}

/** Latencies say something only where objects come at a pace that both keep up with. */
function cellsOf(one: Measured): string[] {
  const paced = one.mode === 'paced';
  return [
    String(one.workers),
    Math.round(rateOf(one)).toLocaleString('en'),
    Math.round(one.count / (medianOf(one, 'totalMs') / 1000)).toLocaleString('en'),
    paced ? medianOf(one, 'p50Ms').toFixed(2) : '–',
    paced ? medianOf(one, 'p99Ms').toFixed(2) : '–',
    ((medianOf(one, 'cpuMs') * 1000) / one.count).toFixed(0),
    medianOf(one, 'peakMb').toFixed(0),
  ];
}

const line = (name: string, cells: readonly string[]): string =>
  `  ${name.padEnd(10)}${cells.map((cell) => cell.padStart(12)).join('')}`;

const inWords = (value: number | undefined): string => (value === undefined ? 'not measured' : value.toFixed(2));

const short = ({ what, value, met }: Verdict): string => `${what} ${inWords(value)}${met ? '' : ' (!)'}`;

function jsonOf(measured: readonly Measured[], aims: readonly Verdict[], { etcd }: E2eReportOptions): string {
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, etcd };
  return `${JSON.stringify({ machine, results: measured, aims }, undefined, 2)}\n`;
}
