/**
 * `npm run simulate -- --schedules N --seed S`: the runtime and the example controllers under faults: every single fault
 * first, then combinations drawn from the seed. Prints what each subject has come to after either, and a summary. `--help`
 * tells the options.
 */
import { availableParallelism } from 'node:os';
import { commandLine, decimal, oneOf, outputFile, seedOf, whole, writeJson } from '../../harness/command-line.ts';
import { Progress } from '../../harness/progress.ts';
import type { SimulationProgress } from 'setpoint/testing';
import { subjects } from './subjects.ts';
import { shares, SubjectTotal, sum } from './totals.ts';
import type { Part } from './worker.ts';
import { exploreParts } from './workers.ts';

const names = subjects.flatMap(({ name }) => name ?? []);
const values = commandLine({
  run: 'npm run simulate --',
  about: `The runtime and the example controllers under faults: every single fault first, then combinations of them.
Fails when a schedule broke a law, when fewer ran than asked for, and when no fault struck.`,
  options: {
    schedules: whole('in all, shared out evenly', { default: 3000, min: 1 }),
    seed: seedOf(1, 'where the combinations begin'),
    only: oneOf(names, 'one subject'),
    depth: oneOf(
      ['1', '2', 'deeper'],
      '1: every single fault and nothing else; deeper: combinations alone, with another seed over what has passed 1',
      '2',
    ),
    double: whole('one in N passing schedules runs a second time and must be its equal', { default: 100, min: 1 }),
    jobs: whole('processes that search; combinations depend on how many', { default: availableParallelism(), min: 1 }),
    minutes: decimal('gives up after so much real time', { default: 60, takes: 'M' }),
    json: outputFile('writes the figures'),
  },
});

const { depth, jobs } = values;
const totals = names
  .filter((name) => values.only === undefined || name === values.only)
  .map((name) => new SubjectTotal(name));
const each = depth === '1' ? Number.MAX_SAFE_INTEGER : Math.ceil(values.schedules / totals.length);
const startedAt = performance.now();
const endsAt = startedAt + values.minutes * 60_000;

if (depth !== 'deeper') await explore(totals.map((total) => partOf(total, 1, each, 0)));
if (depth !== '1') {
  await explore(
    totals.flatMap((total) => {
      const left = Math.max(0, each - total.schedules);
      if (!total.singlesPassed || left === 0) return [];
      return shares(left, jobs).map((share, index) => partOf(total, 'deeper', share, index));
    }),
  );
}
conclude((performance.now() - startedAt) / 1000);

function partOf(total: SubjectTotal, part: Part['depth'], schedules: number, index: number): Part {
  // Far apart, so that a run with the next seed is another one in each of its parts.
  const seed = (values.seed + index * 0x9e3779b1) % 2 ** 32;
  return { subject: total.name, depth: part, schedules, seed, double: values.double, ms: 0 };
}

/** Explores parts at the same time, each for its share of the time that is left. */
async function explore(parts: readonly Part[]): Promise<void> {
  const told = new Map<Part, SimulationProgress>();
  const left = new Map(totals.map(({ name }) => [name, parts.filter(({ subject }) => subject === name).length]));
  let waiting = parts.length;
  function* timed(): Generator<Part> {
    for (const part of parts)
      yield { ...part, ms: (Math.max(0, endsAt - performance.now()) * jobs) / Math.max(jobs, waiting--) };
  }
  // How many single faults there are is known when they have been run: they are over soon.
  const wanted = sum(parts, (part) => (part.depth === 1 ? 0 : part.schedules));
  const progress = new Progress({ what: 'deeper', wanted, unit: 'schedules', everyMs: 30_000 });
  await exploreParts(timed(), jobs, {
    heard(part, sofar) {
      told.set(part, sofar);
      const all = [...told.values()];
      progress.at(
        sum(all, ({ schedules }) => schedules),
        `${sum(all, ({ failures }) => failures)} violations`,
      );
    },
    told(part, answer) {
      told.set(part, { schedules: answer.report.schedules, failures: answer.report.failures.length });
      const total = totals.find(({ name }) => name === part.subject)!;
      total.add(answer);
      left.set(part.subject, left.get(part.subject)! - 1);
      if (left.get(part.subject) === 0) total.print();
    },
  });
}

function conclude(seconds: number): void {
  const ran = sum(totals, ({ schedules }) => schedules);
  const violations = sum(totals, ({ failures }) => failures.length);
  const unharmed = totals.filter(({ struck }) => struck === 0).map(({ name }) => name);
  const missing =
    depth === '1' ? sum(totals, ({ singles }) => singles.total - singles.run) : Math.max(0, each * totals.length - ran);
  writeJson(
    values.json,
    totals.map((total) => total.figures),
  );
  console.log(
    `simulate: seed ${values.seed}, ${jobs} jobs, ${ran} schedules, ${sum(totals, ({ struck }) => struck)} faults, ` +
      `${sum(totals, ({ doubleRuns }) => doubleRuns)} double runs, ${Math.round(ran / seconds)} schedules/s ` +
      `(${Math.round(ran / sum(totals, ({ cpuSeconds }) => cpuSeconds))} for each second of CPU), ${violations} violations` +
      (missing > 0 ? `, ${missing} SCHEDULES TOO FEW` : '') +
      (unharmed.length > 0 ? `, NO FAULT STRUCK ${unharmed.join(', ')}` : ''),
  );
  process.exitCode = violations === 0 && missing === 0 && unharmed.length === 0 ? 0 : 1;
}
