/**
 * `npm run histories -- --count N --seed S`: records so many histories of locks on a real etcd, one lock and its counter
 * in one window of faults each (processes killed, stopped and stalled; connections held and cut; servers killed, frozen
 * and isolated), and has a witness and a search for an order judge each. Prints a line of figures; fails on a violation.
 *
 * --etcd 3.4|3.5|both   default: each that can be had
 * --members 1|3         default 1
 * --unfenced            writes without the lock's fence: here violations have to be found, and it fails without one
 * --together K          histories at once (default 100); --workers W: processes (default 4)
 * --json FILE           writes the figures
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { availableEtcds } from '../harness/etcd-server.ts';
import { type CampaignResult, runCampaign } from './campaign.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    etcd: { type: 'string', default: 'both' },
    members: { type: 'string', default: '1' },
    together: { type: 'string', default: '100' },
    workers: { type: 'string', default: '4' },
    unfenced: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const results: CampaignResult[] = [];
for (const version of values.etcd === 'both' ? await availableEtcds() : [values.etcd]) {
  const result = await runCampaign({
    version,
    members: numberFrom('members', values.members) === 3 ? 3 : 1,
    count: numberFrom('count', values.count),
    seed: numberFrom('seed', values.seed),
    together: numberFrom('together', values.together),
    workers: numberFrom('workers', values.workers),
    fenced: !values.unfenced,
    onWindow: (sofar) => console.log(`  ${summary(sofar)}`),
  });
  results.push(result);
  for (const example of result.examples) console.log(example);
  console.log(summary(result));
  const found = result.byWitness > 0 && result.bySearch > 0;
  if (values.unfenced ? !found : result.byWitness + result.bySearch > 0) process.exitCode = 1;
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);

function numberFrom(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  console.error(`--${name}: expected a whole number above 0, received ${text}`);
  process.exit(2);
}

function summary(result: CampaignResult): string {
  const { version, members, seed, fenced, histories, operations, faults, seconds } = result;
  const injected = Object.entries(faults).reduce((sum, [name, times]) => (name === 'none' ? sum : sum + times), 0);
  return [
    `etcd ${version} × ${members}`,
    `seed ${seed}`,
    fenced ? 'fenced' : 'UNFENCED',
    `${histories} histories`,
    `${operations} operations`,
    `${injected} faults`,
    `${result.acknowledged} increments acknowledged, ${result.refused} refused (${result.deposed} as deposed), ${result.unknown} unknown`,
    `violations: ${result.byWitness} by the witness, ${result.bySearch} by the search`,
    `${result.lostUpdates} lost updates`,
    `${seconds.toFixed(0)} s`,
  ].join(', ');
}
// Processes that were killed and connections that were cut may leave a handle behind; all is told.
process.exit();
