/**
 * `npm run testkit:seeds`: known bugs, each with a fixed twin, under the simulation. Every bug must be caught and no twin
 * may alarm. Prints a table; fails when one is missed or one alarms.
 *
 * --only NUMBER   one of them, with the whole report of its failure
 * --json FILE     writes the table
 * --schedules N   for each twin, at most (default 600)
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explore, FAULT_KINDS, type SimulationReport } from 'setpoint/testing';
import { seeds } from './seeds.ts';
import type { Seed } from './seed.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'string' }, schedules: { type: 'string', default: '600' } },
});
const chosen = seeds.filter(({ number }) => values.only === undefined || String(number) === values.only);

interface Row {
  readonly number: number;
  readonly title: string;
  readonly caughtBy: string;
  readonly schedules: number;
  readonly ms: number;
  readonly twin: string;
  readonly twinSchedules: number;
}

const rows: Row[] = [];
for (const seed of chosen) rows.push(await tryOut(seed));
const caught = rows.filter(({ caughtBy }) => caughtBy !== 'MISSED').length;
const alarms = rows.filter(({ twin }) => twin !== 'silent').length;
console.log(`${caught}/${rows.length} bugs caught, ${alarms}/${rows.length} twins alarm`);
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
process.exitCode = caught === rows.length && alarms === 0 ? 0 : 1;

async function tryOut(seed: Seed): Promise<Row> {
  const schedules = Number(values.schedules);
  const budget = { schedules, ms: 120_000 };
  const bug = await explore({ faults: FAULT_KINDS, ...seed.subject(true), budget });
  const twin = await explore({ faults: FAULT_KINDS, ...seed.subject(false), budget });
  const row = {
    number: seed.number,
    title: seed.title,
    caughtBy: verdict(bug, 'MISSED'),
    schedules: bug.schedules,
    ms: bug.elapsedMs,
    twin: verdict(twin, 'silent'),
    twinSchedules: twin.schedules,
  };
  const { number, title, caughtBy, ms } = row;
  console.log(
    `${String(number).padStart(2)} ${title.padEnd(78)} ${caughtBy.padEnd(44)} ${String(row.schedules).padStart(4)} in ${ms} ms; twin ${row.twin} in ${twin.schedules}`,
  );
  for (const { text } of values.only === undefined ? twin.failures : [...bug.failures, ...twin.failures])
    console.log(text, '\n');
  return row;
}

function verdict({ failures: [failure] }: SimulationReport, none: string): string {
  if (!failure) return none;
  const faults = failure.faults.map(({ kind, at }) => `${kind}@${at}`).join(', ') || 'no fault';
  return `${failure.violation.oracle} by ${faults}`;
}
