/**
 * `npm run conformance -- --sequences N --seed S`: random sequences of calls, asked of the memory store and of real
 * etcd. Prints what was covered and a line of figures. `--help` tells the options.
 */
import { commandLine, decimal, oneOf, outputFile, seedOf, whole, writeJson } from '../../harness/command-line.ts';
import { chosenEtcds } from '../../harness/etcd-server.ts';
import { Progress } from '../../harness/progress.ts';
import { type CampaignResult, runCampaign } from './campaign.ts';
import { FEATURES } from './coverage.ts';

const values = commandLine({
  run: 'npm run conformance --',
  about: `Random sequences of calls, asked of the memory store and of real etcd. Fails on a difference, and on a feature
that was never met.`,
  options: {
    sequences: whole('the number of the last sequence', { default: 2000, min: 1 }),
    seed: seedOf(1),
    etcd: oneOf(['3.4', '3.5', 'both'], 'which etcd; both: each that can be had', 'both'),
    first: whole('begins with this sequence, where an earlier run ended', { default: 1 }),
    only: whole('one sequence of the campaign, to look at a difference'),
    json: outputFile('writes the figures and the coverage'),
    workers: whole('processes', { default: 2, min: 1 }),
    lanes: whole('etcds of each process', { default: 4, min: 1 }),
    minutes: decimal('begins no sequence after so long; the line of figures says how many there were', {
      default: 100_000,
      takes: 'M',
    }),
  },
});
const { seed, only } = values;
const [first, last] = only === undefined ? [values.first, values.sequences] : [only, only];
const workers = only === undefined ? values.workers : 1;

const versions = await chosenEtcds(values.etcd);
const results: CampaignResult[] = [];
for (const version of versions) {
  const progress = new Progress({ what: `etcd ${version}`, wanted: last - first + 1, unit: 'sequences' });
  const result = await runCampaign({
    version,
    seed,
    first,
    last,
    workers,
    lanes: values.lanes,
    waitingLanes: 5,
    minutesMax: values.minutes,
    onProgress: (sequences, operations) => progress.at(sequences, `${operations} operations`),
  });
  results.push(result);
  if (only === undefined && result.failures.length === 0) printCoverage(result);
  for (const { number, message } of result.failures) {
    console.log(`\nsequence ${number} of seed ${seed}, etcd ${result.version}:\n${message}`);
    console.log(`replay: npm run conformance -- --etcd ${version} --seed ${seed} --only ${number}`);
  }
  if (versions.length > 1) console.log(`\n${summaryOf([result])}`);
  if (result.failures.length > 0 || (only === undefined && result.coverage.missing.length > 0)) process.exitCode = 1;
}
writeJson(
  values.json,
  results.map(({ coverage, ...result }) => ({ ...result, seed, coverage: coverage.counts })),
);
console.log(`\n${summaryOf(results)}`);

function printCoverage({ version, coverage }: CampaignResult): void {
  console.log(`\nwhat etcd ${version} and the memory store agreed on, and how often`);
  const width = Math.max(...FEATURES.map((feature) => feature.length)) + 2;
  for (const feature of FEATURES) {
    const times = coverage.counts[feature] ?? 0;
    console.log(`  ${feature.padEnd(width)}${String(times).padStart(9)}${times === 0 ? '  NEVER' : ''}`);
  }
}

/** The line that one version comes down to, or several. */
function summaryOf(all: readonly CampaignResult[]): string {
  const total = (of: (result: CampaignResult) => number): number => all.reduce((sum, each) => sum + of(each), 0);
  const given =
    `${total(({ expiring }) => expiring)} with leases that ran out, ${total(({ again }) => again)} repeated and ` +
    `${total(({ skipped }) => skipped)} given up on a slow machine`;
  return [
    `conformance of etcd ${all.map(({ version }) => version).join(' and ')}`,
    `seed ${seed}`,
    `${total(({ sequences }) => sequences)} sequences (${given})`,
    `${total(({ operations }) => operations)} operations`,
    `${FEATURES.length - new Set(all.flatMap(({ coverage }) => coverage.missing)).size} of ${FEATURES.length} features`,
    `${total(({ failures }) => failures.length)} differences`,
    `${total(({ seconds }) => seconds).toFixed(1)} s`,
  ].join(', ');
}
