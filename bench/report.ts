import { cpus } from 'node:os';
import { flag, outputFile, writeJson } from '../test/harness/command-line.ts';
import { type Measurement, median } from './rounds.ts';

/**
 * A promise about a contestant of one scenario: it is at least `min` times as fast as `peer`, or, without a peer, does
 * `min` cycles a second. The fastest rounds are compared: whatever else runs on a machine can make a round slower and
 * never faster.
 */
export interface Gate {
  readonly scenario: string;
  readonly contestant: string;
  readonly peer?: string;
  readonly min: number;
}

interface Verdict extends Gate {
  readonly value: number;
  readonly passed: boolean;
}

/** Something that is measured and isn't a rate; with `max` it is a promise. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly max?: number | undefined;
}

export interface ReportOptions {
  /** Whether a gate that isn't met makes the program fail. */
  readonly gate: boolean;
  /** A file for everything that was measured. */
  readonly json: string | undefined;
}

/** The options that every benchmark has. */
export const reporting = {
  gate: flag("fails when an aim isn't met"),
  json: outputFile('writes everything that was measured'),
};

/** Prints what was measured, how the gates stand, and one line that says it all; sets the exit code when they were to be kept. */
export function report(
  measurements: readonly Measurement[],
  gates: readonly Gate[],
  options: ReportOptions & { readonly title: string; readonly figures: readonly Figure[] },
): void {
  const { figures, title } = options;
  const verdicts = gates.map((gate) => judge(gate, measurements));
  for (const scenario of new Set(measurements.map((one) => one.scenario))) {
    console.log(`\n${scenario}, in cycles per second`);
    console.log(row('', 'fastest', 'median', 'slowest', 'compared'));
    const rows = measurements.filter((one) => one.scenario === scenario);
    for (const one of rows) console.log(measurementRow(one, rows[0]!));
  }
  console.log();
  printFigures(figures);
  for (const verdict of verdicts) {
    console.log(`${verdict.passed ? 'met    ' : 'NOT MET'}  ${verdict.scenario}: ${sentenceOf(verdict)}`);
  }
  const passed = [
    ...verdicts.map((verdict) => verdict.passed),
    ...figures.filter(({ max }) => max !== undefined).map(holds),
  ];
  conclude({ measurements, gates: verdicts, figures }, passed, options);
  console.log(`\n${title}: ${passed.filter(Boolean).length} of ${passed.length} aims met`);
}

/** Prints figures alone, with one line that says it all. */
export function reportFigures(title: string, figures: readonly Figure[], options: ReportOptions): void {
  printFigures(figures);
  conclude({ figures }, figures.map(holds), options);
  console.log(`${title}: ${figures.map(({ name, value, unit }) => `${name} ${shown(value)} ${unit}`).join(', ')}`);
}

function printFigures(figures: readonly Figure[]): void {
  for (const figure of figures) {
    const { name, value, unit, max } = figure;
    const verdict = max === undefined ? '       ' : holds(figure) ? 'met    ' : 'NOT MET';
    console.log(`${verdict}  ${name}: ${shown(value)} ${unit}${max === undefined ? '' : `, wanted at most ${max}`}`);
  }
}

const shown = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(value < 10 ? 2 : 1);

const holds = ({ value, max = Infinity }: Figure): boolean => value <= max;

function conclude(what: object, passed: readonly boolean[], { json, gate }: ReportOptions): void {
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length };
  writeJson(json, { machine, ...what });
  if (gate && passed.includes(false)) process.exitCode = 1;
}

function sentenceOf({ contestant, peer, min, value }: Verdict): string {
  if (peer !== undefined) return `${contestant} is ${value.toFixed(2)} × ${peer}, wanted at least ${min}`;
  return `${contestant} does ${inThousands(value)}, wanted at least ${inThousands(min)}`;
}

function judge(gate: Gate, measurements: readonly Measurement[]): Verdict {
  const ratesOf = (contestant: string): readonly number[] => {
    const found = measurements.find((one) => one.scenario === gate.scenario && one.contestant === contestant);
    if (found === undefined) throw new Error(`nothing measured for ${contestant} in ${gate.scenario}`);
    return found.rates;
  };
  const fastest = Math.max(...ratesOf(gate.contestant));
  const value = gate.peer === undefined ? fastest : fastest / Math.max(...ratesOf(gate.peer));
  return { ...gate, value, passed: value >= gate.min };
}

function measurementRow({ contestant, rates }: Measurement, first: Measurement): string {
  const figures = [Math.max(...rates), median(rates), Math.min(...rates)].map(inThousands);
  return row(contestant, ...figures, `${(Math.max(...rates) / Math.max(...first.rates)).toFixed(2)} ×`);
}

const inThousands = (rate: number): string => `${Math.round(rate / 1000).toLocaleString('en')}k`;

const row = (name: string, ...cells: readonly string[]): string =>
  `  ${name.padEnd(28)}${cells.map((cell) => cell.padStart(13)).join('')}`;
