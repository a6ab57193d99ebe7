import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Measurement, median } from './rounds.ts';

/**
 * A promise about two contestants of one scenario: `contestant` is at least `min` times as fast as `peer`. The fastest
 * round of each is compared: whatever else runs on a machine can make a round slower and never faster.
 */
export interface Gate {
  readonly scenario: string;
  readonly contestant: string;
  readonly peer: string;
  readonly min: number;
}

interface Verdict extends Gate {
  readonly ratio: number;
  readonly passed: boolean;
}

export interface ReportOptions {
  /** Whether a gate that isn't met makes the program fail. */
  readonly gate: boolean;
  /** A file for everything that was measured. */
  readonly json: string | undefined;
}

/** From the command line: `--gate`, `--json FILE`. */
export function reportOptions(): ReportOptions {
  const { values } = parseArgs({ options: { gate: { type: 'boolean', default: false }, json: { type: 'string' } } });
  return { gate: values.gate, json: values.json };
}

/** Prints what was measured and how the gates stand, and sets the exit code when they were to be kept. */
export function report(measurements: readonly Measurement[], gates: readonly Gate[], options: ReportOptions): void {
  const verdicts = gates.map((gate) => judge(gate, measurements));
  for (const scenario of new Set(measurements.map((one) => one.scenario))) {
    console.log(`\n${scenario}, in cycles per second`);
    console.log(row('', 'fastest', 'median', 'slowest', 'compared'));
    const rows = measurements.filter((one) => one.scenario === scenario);
    for (const one of rows) console.log(measurementRow(one, rows[0]!));
  }
  console.log();
  for (const { scenario, contestant, peer, min, ratio, passed } of verdicts) {
    const is = `${contestant} is ${ratio.toFixed(2)} × ${peer}, wanted at least ${min}`;
    console.log(`${passed ? 'met    ' : 'NOT MET'}  ${scenario}: ${is}`);
  }
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(measurements, verdicts));
  if (options.gate && !verdicts.every((verdict) => verdict.passed)) process.exitCode = 1;
}

function judge(gate: Gate, measurements: readonly Measurement[]): Verdict {
  const ratesOf = (contestant: string): readonly number[] => {
    const found = measurements.find((one) => one.scenario === gate.scenario && one.contestant === contestant);
    if (found === undefined) throw new Error(`nothing measured for ${contestant} in ${gate.scenario}`);
    return found.rates;
  };
  const ratio = Math.max(...ratesOf(gate.contestant)) / Math.max(...ratesOf(gate.peer));
  return { ...gate, ratio, passed: ratio >= gate.min };
}

function measurementRow({ contestant, rates }: Measurement, first: Measurement): string {
  const figures = [Math.max(...rates), median(rates), Math.min(...rates)].map(inThousands);
  return row(contestant, ...figures, `${(Math.max(...rates) / Math.max(...first.rates)).toFixed(2)} ×`);
}

const inThousands = (rate: number): string => `${Math.round(rate / 1000).toLocaleString('en')}k`;

const row = (name: string, ...cells: readonly string[]): string =>
  `  ${name.padEnd(28)}${cells.map((cell) => cell.padStart(13)).join('')}`;

function jsonOf(measurements: readonly Measurement[], gates: readonly Verdict[]): string {
  const results = measurements.map((one) => ({ ...one, fastest: Math.max(...one.rates), median: median(one.rates) }));
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length };
  return `${JSON.stringify({ machine, results, gates }, undefined, 2)}\n`;
}
