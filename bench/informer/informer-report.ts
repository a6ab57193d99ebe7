import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { median } from '../rounds.ts';
import type { ContestantName, Failure, Figures } from './task.ts';

/** The rounds of one contestant with so many keys and handlers. */
export interface InformerMeasurement {
  readonly contestant: ContestantName;
  readonly keys: number;
  readonly handlers: number;
  readonly events: number;
  readonly blocked: boolean;
  readonly rounds: readonly Figures[];
  readonly failure?: string;
}

/** A figure against a limit, or against another contestant's. Both are the best of the rounds. */
interface Aim {
  readonly what: string;
  readonly value: number | undefined;
  readonly wanted: string;
  readonly met: boolean;
}

export interface InformerReportOptions {
  /** Whether an aim that isn't met makes the program fail. */
  readonly gate: boolean;
  /** A file for everything that was measured. */
  readonly json: string | undefined;
}

/** Whatever else runs on a machine makes a round worse and never better. */
function best(measurement: InformerMeasurement | undefined, figure: keyof Figures): number | undefined {
  const values = measurement?.rounds.map((round) => round[figure]) ?? [];
  return values.length === 0 ? undefined : Math.min(...values);
}

/** Prints what was measured, how each aim stands, and one line that says it all. */
export function reportInformers(all: readonly InformerMeasurement[], options: InformerReportOptions): void {
  for (const keys of new Set(all.map((one) => one.keys))) printTable(all.filter((one) => one.keys === keys));
  const aims = aimsOf(all);
  console.log();
  for (const { what, value, wanted, met } of aims) {
    console.log(
      `${met ? 'met    ' : 'NOT MET'}  ${what}: ${value === undefined ? '–' : value.toFixed(2)}, wanted ${wanted}`,
    );
  }
  const met = aims.filter((aim) => aim.met).length;
  console.log(`\ninformer: ${met} of ${aims.length} aims met`);
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length };
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ machine, results: all, aims }, undefined, 2)}\n`);
  }
  if (options.gate && (met < aims.length || aims.length === 0)) process.exitCode = 1;
}

const COLUMNS = [
  'objects/s',
  'µs CPU',
  'peak MB',
  'B/object',
  'late p99',
  'late max',
  'events/s',
  'µs CPU',
  'late p99',
];

function printTable(rows: readonly InformerMeasurement[]): void {
  const [{ keys, rounds }] = rows as [InformerMeasurement];
  console.log(
    `\n${keys.toLocaleString('en')} objects of 1 KiB: list, then updates; best of ${rounds.length} (late: median)`,
  );
  console.log(row('', COLUMNS));
  for (const one of rows) {
    const name = `${one.contestant}, ${one.handlers} handler${one.handlers > 1 ? 's' : ''}${one.blocked ? ', one blocked' : ''}`;
    console.log(one.rounds.length === 0 ? `  ${name}: ${one.failure}` : row(name, cellsOf(one)));
  }
}

function cellsOf(one: InformerMeasurement): string[] {
  const value = (figure: keyof Figures): number => best(one, figure)!;
  const middle = (figure: keyof Figures): string => median(one.rounds.map((round) => round[figure])).toFixed(0);
  return [
    thousands((one.keys / value('syncMs')) * 1000),
    ((value('syncCpuMs') * 1000) / one.keys).toFixed(1),
    value('syncPeakMb').toFixed(0),
    value('bytesPerObject').toFixed(0),
    middle('syncDelayP99Ms'),
    middle('syncDelayMaxMs'),
    thousands((one.events / value('eventsMs')) * 1000),
    ((value('eventsCpuMs') * 1000) / one.events).toFixed(1),
    middle('eventsDelayP99Ms'),
    value('eventsGrowthMb').toFixed(0),
  ];
}

function aimsOf(all: readonly InformerMeasurement[]): readonly Aim[] {
  const of = (contestant: ContestantName, keys: number, handlers = 1): InformerMeasurement | undefined =>
    all.find((one) => one.contestant === contestant && one.keys === keys && one.handlers === handlers && !one.blocked);
  const [own, peer] = [of('setpoint', 100_000), of('client-node', 100_000)];
  if (!own) return [];
  const ratio = (figure: keyof Figures, over: InformerMeasurement | undefined): number | undefined => {
    const [ours, theirs] = [best(own, figure), best(over, figure)];
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  };
  const atMost = (what: string, value: number | undefined, max: number): Aim => ({
    what,
    value,
    wanted: `at most ${max.toFixed(2)}`,
    met: value !== undefined && value <= max,
  });
  const perEvent = (keys: number): number => best(of('setpoint', keys), 'eventsCpuMs') ?? NaN;
  const aims = [
    atMost("time to list 100k, of client-node's", ratio('syncMs', peer), 1 / 1.5),
    atMost("peak memory of that, of client-node's", ratio('syncPeakMb', peer), 0.5),
    atMost("time of updates, of client-node's", ratio('eventsMs', peer), 1 / 1.5),
    atMost('bytes for each cached object with metadata and an index', best(own, 'bytesPerObject'), 1350),
    atMost('event loop late while listing 100k, worst moment, ms', best(own, 'syncDelayMaxMs'), 50),
  ];
  const blocked = best(
    all.find((one) => one.blocked),
    'eventsGrowthMb',
  );
  if (blocked !== undefined) aims.push(atMost('MB grown in 1M events with a blocked handler', blocked, 64));
  const million = perEvent(1_000_000);
  if (!Number.isNaN(million))
    aims.push(atMost('CPU of an update at 1M keys, of that at 10k', million / perEvent(10_000), 1.5));
  return aims;
}

const thousands = (rate: number): string => `${Math.round(rate / 1000).toLocaleString('en')}k`;

const row = (name: string, cells: readonly string[]): string =>
  `  ${name.padEnd(32)}${cells.map((cell) => cell.padStart(11)).join('')}`;

/** The measurement with one more round. */
export function withRound(one: InformerMeasurement, round: Figures | Failure): InformerMeasurement {
  return 'failed' in round ? { ...one, failure: round.failed } : { ...one, rounds: [...one.rounds, round] };
}
