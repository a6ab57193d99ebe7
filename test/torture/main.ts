/**
 * `npm run torture -- --rows F-1..F-67 --cycles N`: makes the faults of the catalogue happen to real etcds, again and
 * again, and prints for each row how often what must hold held. Fails when something did not.
 *
 * --rows F-1..F-67   also `F-22,F-23,F-58..F-60`; default: all there are
 * --cycles N         how often each (default 1)
 * --etcd 3.4|3.5     default: each that can be had
 * --members 1|3      how many members the servers have, of rows that don't say it themselves (default 1)
 * --seed S           default: another each time; it is printed
 * --first K          begins with cycle K: with the seed of a run and the number of a cycle that one is made again
 * --jobs K           how many rows at a time (default 4)
 * --client etcd3     the faults under the default client of the etcd3 package, for the rows that have that
 * --json FILE        writes the outcomes
 * --markdown FILE    writes the table as a page
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findEtcd } from '../../scripts/etcd.mjs';
import { availableEtcds } from '../harness/etcd-server.ts';
import type { Row } from './row.ts';
import { allRows, numberOf, numbersOf } from './rows.ts';
import { type RowOutcome, runRow, type RunRowOptions } from './run-row.ts';
import { markdownOf, outcomeLines, summaryOf, type TortureRun } from './torture-report.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    cycles: { type: 'string', default: '1' },
    etcd: { type: 'string', default: 'both' },
    members: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    first: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '4' },
    client: { type: 'string', default: 'setpoint' },
    json: { type: 'string' },
    markdown: { type: 'string' },
  },
});

const cycles = numberFrom('cycles', values.cycles);
const seed = numberFrom('seed', values.seed);
const first = numberFrom('first', values.first);
const members = numberFrom('members', values.members) === 3 ? 3 : 1;
const client = values.client === 'etcd3' ? 'etcd3' : 'setpoint';
const wanted = values.rows === undefined ? undefined : numbersOf(values.rows);
if (values.rows !== undefined && !wanted) refuse('rows', 'such as F-1..F-67 or F-22,F-23', values.rows);

const all = await allRows();
const chosen = all.filter((row) => (wanted?.has(numberOf(row.id)) ?? true) && (client !== 'etcd3' || row.etcd3));
if (chosen.length === 0) refuse('rows', 'rows that there are', values.rows ?? '');

// A row that failed may leave work behind that fails later. It must not end the others.
process.on('unhandledRejection', (reason) => {
  console.log(`    left behind by a row: ${String(reason)}`);
  process.exitCode = 1;
});

const runs: TortureRun[] = [];
for (const version of values.etcd === 'both' ? await availableEtcds() : [values.etcd]) {
  const run = await torture(version);
  runs.push(run);
  console.log(`\n${summaryOf(run)}\n`);
  // Under the other client what does not hold is what one wants to see.
  if (client === 'setpoint' && run.outcomes.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}
const absent = [...(wanted ?? [])].filter((number) => !all.some(({ id }) => numberOf(id) === number));
if (absent.length > 0) console.log(`no row yet for ${absent.map((number) => `F-${number}`).join(', ')}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(runs, undefined, 2)}\n`);
if (values.markdown !== undefined) {
  const command = `npm run torture -- ${process.argv.slice(2).join(' ')}`;
  writeFileSync(values.markdown, markdownOf(runs, all, command));
}

/** Runs the rows on one version, several at a time, and those that need the process for themselves last. */
async function torture(version: string): Promise<TortureRun> {
  const startedAt = performance.now();
  const outcomes: RowOutcome[] = [];
  const able = chosen.filter((row) => row.versions?.includes(version) ?? true);
  const options: RunRowOptions = { version, members, cycles, seed, first, client };
  const take = async (left: Row[]): Promise<void> => {
    for (let row = left.shift(); row; row = left.shift()) {
      const outcome = await runRow(row, options);
      outcomes.push(outcome);
      for (const line of outcomeLines(outcome, seed)) console.log(line);
    }
  };
  const together = able.filter((row) => !row.exclusive);
  await Promise.all(Array.from({ length: numberFrom('jobs', values.jobs) }, () => take(together)));
  await take(able.filter((row) => row.exclusive));
  outcomes.sort((a, b) => numberOf(a.id) - numberOf(b.id));
  const seconds = (performance.now() - startedAt) / 1000;
  return { version: (await findEtcd(version)).version, members, seed, client, cycles, outcomes, seconds };
}

function numberFrom(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  return refuse(name, 'a whole number', text);
}

function refuse(name: string, expected: string, received: string): never {
  console.error(`--${name}: expected ${expected}, received ${received}`);
  process.exit(2);
}
