/**
 * `npm run simulate -- --schedules N --seed S`: the runtime and the example controllers under faults: every single fault
 * first, then combinations drawn from the seed. Prints one line for each subject and a summary; fails when a schedule
 * broke a law, when fewer ran than asked for, and when no fault struck.
 *
 * --schedules N   in all, shared out evenly (default 3,000)
 * --seed S        where the combinations begin (default 1)
 * --only NAME     one subject
 * --depth 1       every single fault of every subject, and nothing else; "deeper": combinations alone, for a further run
 *                 with another seed over what has passed depth 1
 * --double N      one in N passing schedules runs a second time and must be its equal (default 100)
 * --minutes M     gives up after so much real time (default 60); what one subject leaves is for those after it
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
    depth: { type: 'string', default: '2' },
    double: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '60' },
    json: { type: 'string' },
  },
});
const chosen = subjects.filter(({ name }) => values.only === undefined || name === values.only);
const depths = { '1': 1, '2': 2, deeper: 'deeper' } as const;
const depth = depths[values.depth as keyof typeof depths];
if (depth === undefined) throw new Error(`--depth is 1, 2 or deeper; got '${values.depth}'`);
const each = depth === 1 ? Infinity : Math.ceil(Number(values.schedules) / chosen.length);
/** Of the process: what the same would take on a machine that has nothing else to do. */
const cpuSeconds = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
const began = cpuSeconds();
const reports: SimulationReport[] = [];
const endsAt = performance.now() + Number(values.minutes) * 60_000;
for (const [index, subject] of chosen.entries()) {
  const report = await explore({
    ...subject,
    depth,
    budget: { schedules: each, ms: (endsAt - performance.now()) / (chosen.length - index) },
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
    `${sum(({ doubleRuns }) => doubleRuns)} double runs, ${rate} schedules/s ` +
    `(${Math.round(ran / (cpuSeconds() - began))} for each second of CPU), ${violations} violations`,
);
if (values.json) writeFileSync(values.json, `${JSON.stringify(reports, undefined, 2)}\n`);
const vacuous = reports.some(({ faultsStruck }) => faultsStruck === 0);
const complete = depth === 1 ? reports.every(({ depth1 }) => depth1.run === depth1.total) : ran >= each * chosen.length;
process.exitCode = violations === 0 && complete && !vacuous ? 0 : 1;
