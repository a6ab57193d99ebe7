/**
 * `npm run histories -- --count N --seed S`: records so many histories of locks on a real etcd, one lock and its counter
 * in one window of faults each (processes killed, stopped and stalled; connections held and cut; servers killed, frozen
 * and isolated), and has a witness and a search for an order judge each. `--help` tells the options.
 */
import { commandLine, flag, oneOf, outputFile, seedOf, whole, writeJson } from '../harness/command-line.ts';
import { chosenEtcds } from '../harness/etcd-server.ts';
import { type CampaignResult, runCampaign } from './campaign.ts';

const values = commandLine({
  run: 'npm run histories --',
  about: `Records histories of locks under faults on a real etcd and judges each twice. Fails on a violation.
With "counter" as the first word: five processes add to one counter under a lock; "counter --help" tells its options.`,
  options: {
    count: whole('how many histories', { default: 200, min: 1 }),
    seed: seedOf(1),
    etcd: oneOf(['3.4', '3.5', 'both'], 'which etcd; both: each that can be had', 'both'),
    members: oneOf(['1', '3'], 'members of the etcd', '1'),
    together: whole('histories at once', { default: 100, min: 1 }),
    workers: whole('processes', { default: 4, min: 1 }),
    unfenced: flag("writes without the lock's fence: here violations have to be found, and it fails without one"),
    json: outputFile('writes the figures'),
  },
});

const versions = await chosenEtcds(values.etcd);
const results: CampaignResult[] = [];
for (const version of versions) {
  const result = await runCampaign({
    version,
    members: values.members === '3' ? 3 : 1,
    count: values.count,
    seed: values.seed,
    together: values.together,
    workers: values.workers,
    fenced: !values.unfenced,
    onWindow: (sofar) => console.log(`  ${summaryOf([sofar])}`),
  });
  results.push(result);
  for (const example of result.examples) console.log(example);
  if (versions.length > 1) console.log(summaryOf([result]));
  const found = result.byWitness > 0 && result.bySearch > 0;
  if (values.unfenced ? !found : result.byWitness + result.bySearch > 0) process.exitCode = 1;
}
writeJson(values.json, results);
console.log(summaryOf(results));

/** The line that one version comes down to, or several. */
function summaryOf(all: readonly CampaignResult[]): string {
  const total = (of: (result: CampaignResult) => number): number => all.reduce((sum, each) => sum + of(each), 0);
  const injected = total(({ faults }) =>
    Object.entries(faults).reduce((sum, [name, times]) => (name === 'none' ? sum : sum + times), 0),
  );
  return [
    `etcd ${all.map(({ version }) => version).join(' and ')} × ${values.members}`,
    `seed ${values.seed}`,
    values.unfenced ? 'UNFENCED' : 'fenced',
    `${total(({ histories }) => histories)} histories`,
    `${total(({ operations }) => operations)} operations`,
    `${injected} faults`,
    `${total(({ acknowledged }) => acknowledged)} increments acknowledged, ${total(({ refused }) => refused)} refused ` +
      `(${total(({ deposed }) => deposed)} as deposed), ${total(({ unknown }) => unknown)} unknown`,
    `violations: ${total(({ byWitness }) => byWitness)} by the witness, ${total(({ bySearch }) => bySearch)} by the search`,
    `${total(({ lostUpdates }) => lostUpdates)} lost updates`,
    `${total(({ seconds }) => seconds).toFixed(0)} s`,
  ].join(', ');
}
// Processes that were killed and connections that were cut may leave a handle behind; all is told.
process.exit();
