/**
 * `npm run conformance -- --sequences N --seed S`: random sequences of calls, asked of the memory store and of real
 * etcd. Prints what was covered and a line of figures; fails on a difference and on a feature that was never met.
 *
 * --etcd 3.4|3.5|both   default: each that can be had
 * --first NUMBER        begins with that sequence, where an earlier run ended (default 1)
 * --only NUMBER         one sequence of the campaign, to look at a difference
 * --json FILE           writes the figures and the coverage
 * --workers K           processes (default 2); --lanes L: etcds of each (default 4)
 * --minutes M           begins no sequence after so long; how many it were is in the line of figures
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { availableEtcds } from '../../harness/etcd-server.ts';
import { type CampaignResult, runCampaign } from './campaign.ts';
import { FEATURES } from './coverage.ts';

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    etcd: { type: 'string', default: 'both' },
    first: { type: 'string', default: '1' },
    only: { type: 'string' },
    json: { type: 'string' },
    workers: { type: 'string', default: '2' },
    lanes: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '100000' },
  },
});

const seed = numberFrom('seed', values.seed);
const only = values.only === undefined ? undefined : numberFrom('only', values.only);
const [first, last] =
  only === undefined ? [numberFrom('first', values.first), numberFrom('sequences', values.sequences)] : [only, only];
const workers = only === undefined ? numberFrom('workers', values.workers) : 1;

const results: CampaignResult[] = [];
for (const version of values.etcd === 'both' ? await availableEtcds() : [values.etcd]) {
  const result = await runCampaign({
    version,
    seed,
    first,
    last,
    workers,
    lanes: numberFrom('lanes', values.lanes),
    waitingLanes: 5,
    minutesMax: numberFrom('minutes', values.minutes),
    onProgress: progressPrinter(version, last - first + 1),
  });
  results.push(result);
  if (only === undefined && result.failures.length === 0) printCoverage(result);
  for (const { number, message } of result.failures) {
    console.log(`\nsequence ${number} of seed ${seed}, etcd ${result.version}:\n${message}`);
    console.log(`replay: npm run conformance -- --etcd ${version} --seed ${seed} --only ${number}`);
  }
  console.log(`\n${summary(result)}`);
  if (result.failures.length > 0 || (only === undefined && result.coverage.missing.length > 0)) process.exitCode = 1;
}
if (values.json !== undefined) writeFileSync(values.json, jsonOf(results));

function numberFrom(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name}: expected a whole number, received ${text}`);
  process.exit(2);
}

function progressPrinter(version: string, wanted: number): (sequences: number, operations: number) => void {
  const startedAt = performance.now();
  let printedAt = startedAt;
  return (sequences, operations) => {
    const now = performance.now();
    if (now - printedAt < 10_000) return;
    printedAt = now;
    const rate = sequences / ((now - startedAt) / 1000);
    const left = Math.round((wanted - sequences) / rate);
    console.log(`etcd ${version}: ${sequences} of ${wanted} sequences, ${operations} operations, ${left} s to go`);
  };
}

function printCoverage({ version, coverage }: CampaignResult): void {
  console.log(`\nwhat etcd ${version} and the memory store agreed on, and how often`);
  const width = Math.max(...FEATURES.map((feature) => feature.length)) + 2;
  for (const feature of FEATURES) {
    const times = coverage.counts[feature] ?? 0;
    console.log(`  ${feature.padEnd(width)}${String(times).padStart(9)}${times === 0 ? '  NEVER' : ''}`);
  }
}

function summary(result: CampaignResult): string {
  const { version, sequences, expiring, operations, again, skipped, seconds, coverage, failures } = result;
  return [
    `etcd ${version}`,
    `seed ${seed}`,
    `${sequences} sequences (${expiring} with leases that ran out, ${again} repeated and ${skipped} given up on a slow machine)`,
    `${operations} operations`,
    `${FEATURES.length - coverage.missing.length} of ${FEATURES.length} features`,
    `${failures.length} differences`,
    `${seconds.toFixed(1)} s`,
  ].join(', ');
}

function jsonOf(all: readonly CampaignResult[]): string {
  const plain = all.map(({ coverage, ...result }) => ({ ...result, seed, coverage: coverage.counts }));
  return `${JSON.stringify(plain, undefined, 2)}\n`;
}
