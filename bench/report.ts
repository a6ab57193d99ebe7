import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
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

/** From the command line: `--gate`, `--json FILE`, and numbers of one's own, with their defaults. */
export function numberOptions<Name extends string>(own: Readonly<Record<Name, number>>) {
  const defaults = Object.entries<number>(own);
  const strings = defaults.map(([name, value]) => [name, { type: 'string', default: String(value) }] as const);
  const { values } = parseArgs({
    options: { ...Object.fromEntries(strings), gate: { type: 'boolean', default: false }, json: { type: 'string' } },
  });
  const given: Readonly<Record<string, unknown>> = { ...values };
  const numbers = Object.fromEntries(defaults.map(([name]) => [name, Number(given[name])])) as Record<Name, number>;
  const options: ReportOptions = { gate: values.gate, json: values.json };
  return { ...numbers, ...options };
}

/** From the command line: `--gate`, `--json FILE`, `--rounds N` at most of each scenario, `--only` those with this in their name. */
export function reportOptions(): ReportOptions & { readonly roundsMax: number; readonly only: string } {
  const { values } = parseArgs({
    options: {
      gate: { type: 'boolean', default: false },
      json: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  });
  return {
    gate: values.gate,
    json: values.json,
    roundsMax: values.rounds === undefined ? Infinity : Number(values.rounds),
    only: values.only,
  };
}

/** Prints what was measured and how the gates stand, and sets the exit code when they were to be kept. */
export function report(
  measurements: readonly Measurement[],
  gates: readonly Gate[],
  options: ReportOptions & { readonly figures?: readonly Figure[] },
): void {
  const { figures = [] } = options;
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
  conclude(
    { measurements, gates: verdicts, figures },
    verdicts.map(({ passed }) => passed).concat(figures.map(holds)),
    options,
  );
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
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, ...what }, undefined, 2)}\n`);
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
