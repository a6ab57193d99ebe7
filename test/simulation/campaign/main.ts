/**
 * `npm run simulate -- --schedules N --seed S`: the runtime and the example controllers under faults: every single fault
 * first, then combinations drawn from the seed. Prints one line for each subject and a summary; fails when a schedule
 * broke a law, when fewer ran than asked for, and when no fault struck.
 *
 * --schedules N   in all, shared out evenly (default 3,000)
 * --seed S        where the combinations begin (default 1)
 * --only NAME     one subject
 * --double N      one in N passing schedules runs a second time and must be its equal (default 100)
 * --minutes M     gives up after so much real time (default 60)
 * --json FILE     writes the figures
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explore, type SimulationReport } from 'setpoint/testing';
import { subjects } from './subjects.ts';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    double: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '60' },
    json: { type: 'string' },
  },
});
const chosen = subjects.filter(({ name }) => values.only === undefined || name === values.only);
const each = Math.ceil(Number(values.schedules) / chosen.length);
const reports: SimulationReport[] = [];
for (const subject of chosen) {
  const report = await explore({
    ...subject,
    budget: { schedules: each, ms: (Number(values.minutes) * 60_000) / chosen.length },
    seed: Number(values.seed),
    doubleEvery: Number(values.double),
    failuresMax: 5,
  });
  reports.push(report);
  const { name, schedules, depth1, deeper, faultsStruck, doubleRuns, failures, elapsedMs } = report;
  const rate = Math.round((schedules * 1000) / elapsedMs);
  console.log(
    `${name}: ${schedules} schedules (${depth1.run} of ${depth1.total} single faults, ${deeper} deeper), ` +
      `${faultsStruck} faults struck, ${doubleRuns} run twice, ${rate}/s, ${failures.length} violations`,
  );
  for (const { text } of failures) console.log(`\n${text}\n`);
}
const sum = (of: (report: SimulationReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);
const [ran, violations] = [sum(({ schedules }) => schedules), sum(({ failures }) => failures.length)];
const rate = Math.round((ran * 1000) / sum(({ elapsedMs }) => elapsedMs));
console.log(
  `simulate: seed ${values.seed}, ${ran} schedules, ${sum(({ faultsStruck }) => faultsStruck)} faults, ` +
    `${sum(({ doubleRuns }) => doubleRuns)} double runs, ${rate} schedules/s, ${violations} violations`,
);
if (values.json) writeFileSync(values.json, `${JSON.stringify(reports, undefined, 2)}\n`);
const vacuous = reports.some(({ faultsStruck }) => faultsStruck === 0);
process.exitCode = violations === 0 && ran >= each * chosen.length && !vacuous ? 0 : 1;
