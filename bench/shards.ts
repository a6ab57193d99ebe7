/**
 * `npm run bench -- shards`: 1, 2 and 4 replicas share 4,000 keys, each reconcile waits 5 ms and makes one fenced write.
 * Prints the throughput and what caps it; and the same with an I/O of 250 ms, which leaves CPU over on small machines.
 *
 * `npm run bench -- shards --churn SECONDS`: replicas are killed, frozen and added every 2 s for so long. Prints how
 * often two worked on one key at once, for how long a key was without an owner at most, and what became of late writes.
 * `--help` tells the options.
 */
import { cpus } from 'node:os';
import { commandLine, decimal, list, seedOf, whole, writeJson } from '../test/harness/command-line.ts';
import { reporting } from './report.ts';
import { churn } from './shards/churn.ts';
import { capOf, type Rate, throughput } from './shards/throughput.ts';

const values = commandLine({
  run: 'npm run bench -- shards',
  about:
    'Replicas that share keys: how much more they do together, or, with --churn, what their deaths do to the keys.',
  options: {
    churn: decimal('replicas are killed, frozen and added for so long', { takes: 'SECONDS' }),
    io: list(decimal('the I/O of a reconcile', { takes: 'MS' }), [5, 250]),
    replicas: list(whole('how many share the keys', { min: 1 }), [1, 2, 4]),
    seconds: decimal('how long each is measured', { default: 12, takes: 'S' }),
    seed: seedOf(1, 'chooses who is killed, frozen and added'),
    ...reporting,
  },
});
const root = new URL('../../', import.meta.url);
/** How many times as much as one replica so many have to do. */
const AIMS: Readonly<Record<number, number>> = { 2: 1.8, 4: 3.2 };

const { right, result } = values.churn === undefined ? await measureRates() : await measureChurn(values.churn);
writeJson(values.json, result);
process.exit(right || !values.gate ? 0 : 1);

async function measureRates(): Promise<{ right: boolean; result: object }> {
  let right = true;
  const all: Rate[] = [];
  for (const ioMs of values.io) {
    const rates = await throughput(root, values.replicas, { seconds: values.seconds, ioMs });
    all.push(...rates);
    console.log(`reconciles of ${ioMs} ms I/O and one fenced write, 64 workers in each replica:`);
    for (const rate of rates) {
      const ratio = rate.rate / rates[0]!.rate;
      const aim = AIMS[rate.replicas];
      const met = aim === undefined ? '' : ` (${aim} wanted: ${ratio >= aim ? 'met' : 'missed'})`;
      if (ratio < (aim ?? 0) && ioMs === values.io[0]) right = false;
      console.log(
        `  ${rate.replicas} replicas: ${rate.rate.toFixed(0)} reconciles/s, ${ratio.toFixed(2)} ×${met}; ` +
          `one takes ${rate.meanMs.toFixed(1)} ms; cores: replicas ${rate.replicaCores.toFixed(2)}, ` +
          `etcd ${rate.etcdCores.toFixed(2)}, others ${rate.otherCores.toFixed(2)}; capped by ${capOf(rate)}`,
      );
    }
  }
  return { right, result: { cores: cpus().length, rates: all } };
}

async function measureChurn(seconds: number): Promise<{ right: boolean; result: object }> {
  const outcome = await churn(root, seconds, values.seed);
  const { longestUnownedMs, boundMs, refusedBy } = outcome;
  console.log(
    `seed ${values.seed}, ${seconds.toFixed(0)} s: ${outcome.kills} killed, ${outcome.freezes} frozen, ${outcome.starts} started; ` +
      `${outcome.runs} reconciles, ${outcome.overlaps} of a key by two owners at once, ` +
      `longest without an owner at work ${longestUnownedMs.toFixed(0)} ms (bound ${boundMs} ms), ` +
      `${outcome.late} reconciles outlasted their lease: ${outcome.lateRefused} writes refused, ` +
      `${outcome.late - outcome.lateRefused} made before it ended; ${outcome.lateCarriedOut} writes after a later owner's; ` +
      `refused in all: ${JSON.stringify(refusedBy)}`,
  );
  for (const example of outcome.examples) console.log(`  ${example}`);
  const right = outcome.overlaps === 0 && outcome.lateCarriedOut === 0 && longestUnownedMs <= boundMs;
  return { right, result: outcome };
}
