/**
 * `npm run histories -- counter`: five processes add to one counter under one lock on a real etcd. Prints what they were
 * told and what is there. `--help` tells the options.
 */
import { commandLine, decimal, oneOf, outputFile, seedOf, whole, writeJson } from '../harness/command-line.ts';
import { type CounterOptions, runCounter } from './counter.ts';

const values = commandLine({
  run: 'npm run histories -- counter',
  about: `Five processes add to one counter under one lock on a real etcd. Fails when increments are missing that were
acknowledged, or, with stalls and without a fence, when none are.`,
  options: {
    increments: whole('by all of them together', { default: 1000, min: 1 }),
    seconds: decimal('or for so long', { default: 600, takes: 'S' }),
    stall: decimal('the share of critical sections that are stalled past the lease', { default: 0, max: 1 }),
    by: oneOf(['busy', 'STOP'], 'stalled by a busy loop or by SIGSTOP', 'busy'),
    client: oneOf(['setpoint', 'unfenced', 'etcd3'], 'whose lock', 'setpoint'),
    etcd: oneOf(['3.4', '3.5'], 'which etcd', '3.5'),
    members: oneOf(['1', '3'], 'members of the etcd', '1'),
    ttl: decimal('of the lease, in seconds', { default: 2, min: 1, takes: 'S' }),
    seed: seedOf(1),
    json: outputFile('writes the figures'),
  },
});

const options: CounterOptions = {
  version: values.etcd,
  members: values.members === '3' ? 3 : 1,
  processes: 5,
  increments: values.increments,
  withinMs: values.seconds * 1000,
  ttlSeconds: values.ttl,
  stallShare: values.stall,
  stall: values.by,
  client: values.client,
  seed: values.seed,
};
const result = await runCounter(options);
const lost = result.acknowledged - result.counter;
console.log(
  `etcd ${values.etcd} × ${values.members}, ${values.client}, seed ${values.seed}, ${result.stalls} sections stalled by ${values.by}: ` +
    `${result.acknowledged} acknowledged, ${result.refused} refused as deposed, ${result.unknown} unknown, ` +
    `counter ${result.counter}, ${Math.max(0, lost)} lost, ${result.surprises.length} surprises, ${result.seconds.toFixed(0)} s`,
);
for (const surprise of result.surprises.slice(0, 3)) console.log(surprise);
writeJson(values.json, { ...options, ...result });
const right = lost <= 0 && -lost <= result.unknown && result.surprises.length === 0;
process.exit(right === (values.client === 'setpoint' || options.stallShare === 0) ? 0 : 1);
