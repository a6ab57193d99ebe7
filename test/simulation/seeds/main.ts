/**
 * `npm run testkit:seeds`: known bugs, each with a fixed twin, under the simulation: twenty of reconcilers, ten of our own
 * runtime, whose twin is the runtime as it is. Every bug must be caught within ten seconds, made small, and no twin may
 * alarm. After them come bugs that the kit was not made with: how many of those are caught is the honest rate, and fails
 * nothing. Prints a table.
 * `--help` tells the options.
 */
import type { SimulationReport } from 'setpoint/testing';
import { commandLine, oneOf, outputFile, seedOf, whole, writeJson } from '../../harness/command-line.ts';
import { type Candidate, candidates } from './candidates.ts';

const values = commandLine({
  run: 'npm run testkit:seeds --',
  about: `Known bugs, each with a fixed twin, under the simulation. Fails when a bug is not caught within ten seconds of CPU or
not made small within one, and when a twin alarms. What came after the kit was made (h1 and so on) fails nothing.`,
  options: {
    only: oneOf(
      candidates.map(({ number }) => number),
      'one of them, with the whole report of its failure',
    ),
    schedules: whole('for each twin, at most', { default: 600, min: 1 }),
    seed: seedOf(1, 'where the combinations of faults begin'),
    json: outputFile('writes the table'),
  },
});
/** Of the processor: a run has one thread, and on a busy machine waits for it. */
const CAUGHT_WITHIN_MS = 10_000;
const SHRUNK_WITHIN_MS = 1000;
/** A bug that takes longer is not caught; more than that a search need not try. */
const bugBudget = { schedules: 5000, ms: 60_000 };
const twinBudget = { schedules: values.schedules, ms: 120_000 };

interface Row {
  readonly number: string;
  readonly title: string;
  readonly isHeldOut: boolean;
  readonly caughtBy: string | undefined;
  readonly schedules: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly shrinkMs: number;
  readonly faults: number;
  readonly lines: number;
  readonly alarm: string | undefined;
  readonly twinSchedules: number;
}

const rows: Row[] = [];
for (const candidate of candidates) {
  if (values.only === undefined || values.only === candidate.number) rows.push(await tryOut(candidate));
}
const wanted = rows.filter(({ isHeldOut }) => !isHeldOut);
const others = rows.filter(({ isHeldOut }) => isHeldOut);
const caught = wanted.filter(({ caughtBy, cpuMs }) => caughtBy !== undefined && cpuMs <= CAUGHT_WITHIN_MS).length;
const small = wanted.filter(
  ({ shrinkMs, faults, lines }) => shrinkMs <= SHRUNK_WITHIN_MS && faults <= 2 && lines <= 10,
);
const alarms = rows.filter(({ alarm }) => alarm !== undefined).length;
writeJson(values.json, rows);
console.log(
  [
    `seeds: seed ${values.seed}`,
    `${caught}/${wanted.length} bugs caught within ${CAUGHT_WITHIN_MS / 1000} s of CPU`,
    wanted.length > 0 && `the longest took ${most('cpuMs')} ms, by the clock ${most('ms')} ms`,
    `${small.length} made small within a second of it`,
    wanted.length > 0 &&
      `the longest took ${Math.max(...wanted.map(shrinkCpuMs))} ms, by the clock ${most('shrinkMs')} ms, ` +
        `most faults ${most('faults')}, most lines ${most('lines')}`,
    `${alarms}/${rows.length} twins alarm`,
    others.length > 0 &&
      `held out: ${others.filter(({ caughtBy }) => caughtBy !== undefined).length}/${others.length} caught`,
  ]
    .filter(Boolean)
    .join(', '),
);
process.exitCode = caught === wanted.length && small.length === wanted.length && alarms === 0 ? 0 : 1;

/** The share of the processor that the whole search got is taken for that of making it small. */
function shrinkCpuMs({ shrinkMs, cpuMs, ms }: Row): number {
  return Math.round(shrinkMs * Math.min(1, cpuMs / ms));
}

function most(figure: 'ms' | 'cpuMs' | 'shrinkMs' | 'faults' | 'lines'): number {
  return Math.max(...wanted.map((row) => row[figure]));
}

async function tryOut({ number, title, isHeldOut, run }: Candidate): Promise<Row> {
  const before = process.cpuUsage();
  const bug = await run(true, { budget: bugBudget, seed: values.seed });
  const { user, system } = process.cpuUsage(before);
  const twin = await run(false, { budget: twinBudget, seed: values.seed });
  const [failure] = bug.failures;
  const row: Row = {
    number,
    title,
    isHeldOut,
    caughtBy: verdict(bug),
    schedules: bug.schedules,
    ms: bug.elapsedMs,
    cpuMs: Math.round((user + system) / 1000),
    shrinkMs: bug.shrinkMs,
    faults: failure?.faults.length ?? 0,
    lines: failure?.timeline.length ?? 0,
    alarm: verdict(twin),
    twinSchedules: twin.schedules,
  };
  console.log(
    `${number.padStart(3)} ${title.padEnd(78)} ${(row.caughtBy ?? 'MISSED').padEnd(40)} ` +
      `${String(row.schedules).padStart(4)} in ${row.ms} ms (CPU ${row.cpuMs}), made small in ${row.shrinkMs}; ` +
      `twin ${row.alarm ?? 'silent'} in ${twin.schedules}`,
  );
  const shown = values.only === undefined ? twin.failures : [...bug.failures, ...twin.failures];
  for (const { text } of shown) console.log(text, '\n');
  return row;
}

function verdict({ failures: [failure] }: SimulationReport): string | undefined {
  if (!failure) return undefined;
  const faults = failure.faults.map(({ kind, at }) => `${kind}@${at}`).join(', ') || 'no fault';
  return `${failure.violation.oracle} by ${faults}`;
}
