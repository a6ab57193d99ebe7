/**
 * `npm run histories -- counter`: five processes add to one counter under one lock on a real etcd. Prints what they were
 * told and what is there, and fails when increments are missing that were acknowledged (or, without a fence, when none
 * are).
 *
 * --increments N     by all together (default 1000)   --seconds S   or for so long (default 600)
 * --stall SHARE      the share of critical sections that are stalled past the lease (default 0)
 * --by busy|STOP     by a busy loop or by SIGSTOP (default busy)
 * --client setpoint|unfenced|etcd3   (default setpoint)
 * --etcd 3.4|3.5 (default 3.5)   --members 1|3   --ttl SECONDS (default 2)   --seed S   --json FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type CounterOptions, runCounter } from './counter.ts';

const { values } = parseArgs({
  options: {
    increments: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '600' },
    stall: { type: 'string', default: '0' },
    by: { type: 'string', default: 'busy' },
    client: { type: 'string', default: 'setpoint' },
    etcd: { type: 'string', default: '3.5' },
    members: { type: 'string', default: '1' },
    ttl: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});

const options: CounterOptions = {
  version: values.etcd,
  members: values.members === '3' ? 3 : 1,
  processes: 5,
  increments: Number(values.increments),
  withinMs: Number(values.seconds) * 1000,
  ttlSeconds: Number(values.ttl),
  stallShare: Number(values.stall),
  stall: values.by === 'STOP' ? 'STOP' : 'busy',
  client: values.client as CounterOptions['client'],
  seed: Number(values.seed),
};
const result = await runCounter(options);
const lost = result.acknowledged - result.counter;
console.log(
  `etcd ${values.etcd} × ${values.members}, ${values.client}, seed ${values.seed}, ${result.stalls} sections stalled by ${values.by}: ` +
    `${result.acknowledged} acknowledged, ${result.refused} refused as deposed, ${result.unknown} unknown, ` +
    `counter ${result.counter}, ${Math.max(0, lost)} lost, ${result.surprises.length} surprises, ${result.seconds.toFixed(0)} s`,
);
for (const surprise of result.surprises.slice(0, 3)) console.log(surprise);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ ...options, ...result }, undefined, 2)}\n`);
const right = lost <= 0 && -lost <= result.unknown && result.surprises.length === 0;
process.exit(right === (values.client === 'setpoint' || options.stallShare === 0) ? 0 : 1);
