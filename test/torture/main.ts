/**
 * `npm run torture -- --rows F-1..F-67 --cycles N`: makes the faults of the catalogue happen to real etcds, again and
 * again, and prints for each row how often what must hold held. Fails when something did not. `--help` tells the options.
 */
import { writeFileSync } from 'node:fs';
import { findEtcd } from '../../scripts/etcd.mjs';
import { commandLine, oneOf, outputFile, refuse, seedOf, whole, writeJson } from '../harness/command-line.ts';
import { chosenEtcds } from '../harness/etcd-server.ts';
import { Progress } from '../harness/progress.ts';
import type { Row } from './row.ts';
import { allRows, isAbout, numberOf, rowsOption } from './rows.ts';
import { type RowOutcome, runRow, type RunRowOptions } from './run-row.ts';
import { markdownOf, outcomeLines, summaryOf, type TortureRun } from './torture-report.ts';

const values = commandLine({
  run: 'npm run torture --',
  about: 'Makes the faults of the catalogue happen to real etcds. Fails when something that must hold does not.',
  options: {
    rows: rowsOption,
    cycles: whole('how often each row', { default: 1, min: 1 }),
    etcd: oneOf(['3.4', '3.5', 'both'], 'which etcd; both: each that can be had', 'both'),
    members: oneOf(['1', '3'], "members of the servers, of rows that don't say it themselves", '1'),
    seed: seedOf(Math.floor(Math.random() * 2 ** 31), 'where random choices begin; another each time'),
    first: whole('begins with this cycle: with the seed of a run and the number of a cycle that one is made again', {
      default: 0,
    }),
    jobs: whole('how many rows at a time', { default: 4, min: 1 }),
    client: oneOf(
      ['setpoint', 'etcd3'],
      'etcd3: the rows that have that, under the client of that package',
      'setpoint',
    ),
    json: outputFile('writes the outcomes'),
    markdown: outputFile('writes the table as a page'),
  },
});
const { cycles, seed, first, client, rows: wanted } = values;
const members = values.members === '3' ? 3 : 1;

const all = await allRows();
const chosen = all.filter((row) => (!wanted || isAbout(row, wanted)) && (client !== 'etcd3' || row.etcd3));
if (chosen.length === 0) refuse('rows', 'rows that there are', [...(wanted ?? [])].map((row) => `F-${row}`).join());
console.log(`torture, seed ${seed}: ${chosen.length} rows`);

// A row that failed may leave work behind that fails later. It must not end the others.
process.on('unhandledRejection', (reason) => {
  console.log(`    left behind by a row: ${String(reason)}`);
  process.exitCode = 1;
});

const versions = await chosenEtcds(values.etcd);
const runs: TortureRun[] = [];
for (const version of versions) {
  const run = await torture(version);
  runs.push(run);
  if (versions.length > 1) console.log(`\n${summaryOf(run)}\n`);
  // Under the other client what does not hold is what one wants to see.
  if (client === 'setpoint' && run.outcomes.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}
const absent = [...(wanted ?? [])].filter((number) => !all.some((row) => isAbout(row, new Set([number]))));
if (absent.length > 0) console.log(`no row yet for ${absent.map((number) => `F-${number}`).join(', ')}`);
writeJson(values.json, runs);
if (values.markdown !== undefined) {
  // Where the outcomes went besides is of this machine.
  const command = `npm run torture -- ${process.argv
    .slice(2)
    .join(' ')
    .replace(/ ?--json[ =]\S+/, '')}`;
  writeFileSync(values.markdown, markdownOf(runs, all, command));
}
const [one, ...others] = runs;
if (one) console.log(`\n${summaryOf(one, ...others)}`);
// On no version that is there does one of these rows say anything.
if (runs.every(({ outcomes }) => outcomes.length === 0)) process.exitCode = 1;

/** Runs the rows on one version, several at a time, and those that need the process for themselves last. */
async function torture(version: string): Promise<TortureRun> {
  const startedAt = performance.now();
  const outcomes: RowOutcome[] = [];
  const able = chosen.filter((row) => row.versions?.includes(version) ?? true);
  const options: RunRowOptions = { version, members, cycles, seed, first, client };
  const take = async (left: Row[]): Promise<void> => {
    for (let row = left.shift(); row; row = left.shift()) {
      const progress = new Progress({ what: `${version} ${row.id}`, wanted: cycles, unit: 'cycles', everyMs: 60_000 });
      const onCycle = (done: number, held: number): void => progress.at(done, `${held} held`);
      const outcome = await runRow(row, { ...options, onCycle });
      outcomes.push(outcome);
      for (const line of outcomeLines(outcome, seed)) console.log(line);
    }
  };
  const together = able.filter((row) => !row.exclusive);
  await Promise.all(Array.from({ length: values.jobs }, () => take(together)));
  await take(able.filter((row) => row.exclusive));
  outcomes.sort((a, b) => numberOf(a.id) - numberOf(b.id));
  const seconds = (performance.now() - startedAt) / 1000;
  return { version: (await findEtcd(version)).version, members, seed, client, cycles, outcomes, seconds };
}
