/**
 * `npm run simulate -- --schedules N --seed S`: the runtime and the example controllers under faults: every single fault
 * first, then combinations drawn from the seed. Prints one line for each subject and a summary. `--help` tells the options.
 */
import { explore, type SimulationReport } from 'setpoint/testing';
import { commandLine, decimal, oneOf, outputFile, seedOf, whole, writeJson } from '../../harness/command-line.ts';
import { subjects } from './subjects.ts';

const values = commandLine({
  run: 'npm run simulate --',
  about: `The runtime and the example controllers under faults: every single fault first, then combinations of them.
Fails when a schedule broke a law, when fewer ran than asked for, and when no fault struck.`,
  options: {
    schedules: whole('in all, shared out evenly', { default: 3000, min: 1 }),
    seed: seedOf(1, 'where the combinations begin'),
    only: oneOf(
      subjects.flatMap(({ name }) => name ?? []),
      'one subject',
    ),
    depth: oneOf(
      ['1', '2', 'deeper'],
      '1: every single fault and nothing else; deeper: combinations alone, with another seed over what has passed 1',
      '2',
    ),
    double: whole('one in N passing schedules runs a second time and must be its equal', { default: 100, min: 1 }),
    minutes: decimal('gives up after so much real time; what one subject leaves is for those after it', {
      default: 60,
      takes: 'M',
    }),
    json: outputFile('writes the figures'),
  },
});
const chosen = subjects.filter(({ name }) => values.only === undefined || name === values.only);
const depth = values.depth === 'deeper' ? values.depth : values.depth === '1' ? 1 : 2;
const each = depth === 1 ? Infinity : Math.ceil(values.schedules / chosen.length);
/** Of the process: what the same would take on a machine that has nothing else to do. */
const cpuSeconds = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
const began = cpuSeconds();
const reports: SimulationReport[] = [];
const endsAt = performance.now() + values.minutes * 60_000;
for (const [index, subject] of chosen.entries()) {
  const report = await explore({
    ...subject,
    depth,
    budget: { schedules: each, ms: (endsAt - performance.now()) / (chosen.length - index) },
    seed: values.seed,
    doubleEvery: values.double,
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
const unharmed = reports.filter(({ faultsStruck }) => faultsStruck === 0).map(({ name }) => name);
const missing = depth === 1 ? sum(({ depth1 }) => depth1.total - depth1.run) : Math.max(0, each * chosen.length - ran);
writeJson(values.json, reports);
console.log(
  `simulate: seed ${values.seed}, ${ran} schedules, ${sum(({ faultsStruck }) => faultsStruck)} faults, ` +
    `${sum(({ doubleRuns }) => doubleRuns)} double runs, ${rate} schedules/s ` +
    `(${Math.round(ran / (cpuSeconds() - began))} for each second of CPU), ${violations} violations` +
    (missing > 0 ? `, ${missing} SCHEDULES TOO FEW` : '') +
    (unharmed.length > 0 ? `, NO FAULT STRUCK ${unharmed.join(', ')}` : ''),
);
process.exitCode = violations === 0 && missing === 0 && unharmed.length === 0 ? 0 : 1;
