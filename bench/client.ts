/**
 * What does an object cost over its bytes? Creates, updates, patches, lists and transactions of the client beside raw
 * etcd3 calls that move as much in as many round trips, in one run, one call at a time and 64 at once. Aim: none takes
 * more than 1.3 × as long as the raw one. `--help` tells the options.
 *
 * A raw put promises nothing; each of the client's writes is conditional, and brings back what is there when it fails.
 * So there is a second peer, `conditional`: the etcd3 transaction with that promise. It is for reading the figures; the
 * aim is held against the put.
 */
import { cpus } from 'node:os';
import { Etcd3 } from 'etcd3';
import { createClient, defineResource } from 'setpoint';
import { etcdStore } from '@setpoint/etcd';
import { type Contestant, measure, type Measurement, median, percentile, type Scenario } from './rounds.ts';
import { commandLine, flag, writeJson } from '../test/harness/command-line.ts';
import { reporting } from './report.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';
import { z } from 'zod';

const options = commandLine({
  run: 'npm run bench -- client',
  about: "The client's creates, updates, patches, lists and transactions beside raw etcd3 calls.",
  options: { short: flag('fewer rounds, for a look'), ...reporting },
});

const RATIO_MAX = 1.3;
const AT_ONCE = 64;
/** The share of rounds that are slower than the one that is compared. */
const UNDISTURBED = 0.9;
const PEERS = ['raw', 'conditional'];
const LISTED = 500;
const Site = defineResource({
  group: 'bench.dev',
  version: 'v1',
  kind: 'Site',
  plural: 'sites',
  spec: z.object({ replicas: z.int().default(1), message: z.string(), ports: z.array(z.int()) }),
  status: z.object({ ready: z.int() }),
});
const spec = { replicas: 3, message: 'x'.repeat(200), ports: [80, 443, 8080] };

const etcd = await startBenchEtcd(new URL('../../', import.meta.url));
const raw = new Etcd3({ hosts: etcd.endpoint });
const store = etcdStore({ endpoints: etcd.endpoint, callTimeoutMs: 60_000 });
const sites = createClient({ store }).resource(Site);
const client = createClient({ store });
try {
  const measurements: Measurement[] = [];
  const scenarios = await allScenarios();
  for (const scenario of scenarios) measurements.push(...(await measure({ ...scenario, collectsEachTurn: true })));
  report(measurements);
} finally {
  raw.close();
  await store.close();
  await etcd.dispose();
}

async function allScenarios(): Promise<Scenario[]> {
  const example = await sites.create({ name: 'example', spec });
  const { kvs } = await store.range({ key: '/registry/sites/default/example' });
  const bytes = Buffer.from(kvs[0]!.value);
  for (let index = 0; index < LISTED; index++) {
    await sites.create({ name: `s${index}`, namespace: 'listed', spec });
    await raw.put(`/raw/listed/s${index}`).value(bytes);
  }
  for (let index = 0; index < 3; index++) {
    await sites.create({ name: `t${index}`, spec });
    await raw.put(`/raw/t${index}`).value(bytes);
  }
  let count = 0;
  let current = example;
  const name = (): string => `n${count++}`;
  const next = () => ({ ...spec, replicas: count++ });
  const keys = [0, 1, 2].map((index) => `/raw/t${index}`);
  /** Puts the keys if all of them are at the revision, and otherwise reads them. */
  const conditional = async (written: readonly string[], revision: string | number): Promise<void> => {
    const [first, ...others] = written;
    const compares = others.reduce(
      (so, key) => so.and(key, 'Mod', '==', revision),
      raw.if(first!, 'Mod', '==', revision),
    );
    const { succeeded } = await compares
      .then(...written.map((key) => raw.put(key).value(bytes)))
      .else(...written.map((key) => raw.get(key)))
      .commit();
    if (!succeeded) throw new Error('nobody else writes here');
  };
  const one = { cycles: 20, rounds: options.short ? 10 : 120 };
  return [
    {
      name: 'write',
      ...one,
      contestants: [
        contestant('raw', async () => await raw.put(`/raw/${name()}`).value(bytes)),
        contestant('conditional', async () => await conditional([`/raw/${name()}`], 0)),
        contestant('create', async () => await sites.create({ name: name(), spec })),
        contestant('update', async () => (current = await sites.update(current, { spec: next() }))),
        contestant('patch', async () => (current = await sites.patch(current, { spec: { replicas: count++ } }))),
      ],
    },
    {
      name: 'read and write',
      ...one,
      contestants: [
        contestant('raw', async () => {
          await raw.get('/raw/t0').buffer();
          await raw.put('/raw/t0').value(bytes);
        }),
        contestant('conditional', async () => {
          const { kvs } = await raw.get('/raw/t0').exec();
          await conditional(['/raw/t0'], kvs[0]!.mod_revision);
        }),
        contestant('modify', async () => await sites.modify('t0', () => ({ spec: next() }))),
        contestant('patch by name', async () => await sites.patch('t0', { spec: { replicas: count++ } })),
      ],
    },
    {
      name: `list of ${LISTED}`,
      cycles: 2,
      rounds: one.rounds / 2,
      contestants: [
        contestant('raw', async () => await raw.getAll().prefix('/raw/listed/').json()),
        contestant('list', async () => await sites.list({ namespace: 'listed' })),
      ],
    },
    {
      name: 'transaction of 3',
      cycles: 10,
      rounds: one.rounds,
      contestants: [
        contestant('raw', async () => {
          await Promise.all(keys.map((key) => raw.get(key).buffer()));
          const puts = keys.map((key) => raw.put(key).value(bytes));
          await raw
            .if(keys[0]!, 'Mod', '>', 0)
            .then(...puts)
            .commit();
        }),
        contestant('conditional', async () => {
          const read = await Promise.all(keys.map((key) => raw.get(key).exec()));
          await conditional(keys, read[0]!.kvs[0]!.mod_revision);
        }),
        contestant('transaction', async () => {
          await client.transaction(async (tx) => {
            const kind = tx.resource(Site);
            await Promise.all([0, 1, 2].map((index) => kind.update(`t${index}`, { spec: next() })));
          });
        }),
      ],
    },
    {
      name: `${AT_ONCE} writes at once`,
      cycles: AT_ONCE * 5,
      rounds: one.rounds / 4,
      contestants: [
        contestant('raw', async () => await raw.put(`/raw/${name()}`).value(bytes), AT_ONCE),
        contestant('conditional', async () => await conditional([`/raw/${name()}`], 0), AT_ONCE),
        contestant('create', async () => await sites.create({ name: name(), spec }), AT_ONCE),
      ],
    },
  ];
}

/** A call that is made again and again, so many at a time. */
function contestant(name: string, call: () => Promise<unknown>, atOnce = 1): Contestant {
  return {
    name,
    start: () => async (cycles) => {
      const lane = async (): Promise<void> => {
        for (let done = 0; done < cycles / atOnce; done++) await call();
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
    },
  };
}

function report(measurements: readonly Measurement[]): void {
  const rows = measurements.map(({ scenario, contestant: who, rates }) => {
    const own = median(rates);
    const ofPeer = (name: string, compare: (peer: readonly number[]) => number): number | undefined => {
      const peer = measurements.find((each) => each.scenario === scenario && each.contestant === name);
      return peer && compare(peer.rates);
    };
    // The rounds that nobody else disturbed, for reading: on a busy machine medians also say how long others took.
    const best = (peer: readonly number[]): number => percentile(peer, UNDISTURBED) / percentile(rates, UNDISTURBED);
    // Round by round, so that both met the same moment of the machine. The aim is held against this.
    const typical = (peer: readonly number[]): number => median(peer.map((rate, round) => rate / rates[round]!));
    const ratio = ofPeer('raw', typical)!;
    const conditional = ofPeer('conditional', typical);
    const met = ratio <= RATIO_MAX;
    return { scenario, who, perSecond: own, ratio, undisturbed: ofPeer('raw', best)!, conditional, met };
  });
  for (const { scenario, who, perSecond, ratio, undisturbed, conditional } of rows) {
    const second =
      who === 'conditional' || conditional === undefined ? '' : `, ${conditional.toFixed(2)} × conditional`;
    const beside = who === 'raw' ? '' : `${ratio.toFixed(2)} × raw (undisturbed ${undisturbed.toFixed(2)})${second}`;
    console.log(`${scenario.padEnd(22)}${who.padEnd(16)}${perSecond.toFixed(0).padStart(9)} /s  ${beside}`);
  }
  const aims = rows.filter(({ who }) => !PEERS.includes(who));
  const missed = aims.filter(({ met }) => !met);
  const named = missed.map(({ scenario, who, ratio }) => `${scenario}: ${who} ${ratio.toFixed(2)}`).join(', ');
  const summary = `client, etcd ${etcd.version}: ${aims.length - missed.length} of ${aims.length} within ${RATIO_MAX} × raw etcd3`;
  console.log(`\n${summary}${missed.length > 0 ? `; not ${named}` : ''}`);
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, etcd: etcd.version };
  writeJson(options.json, { machine, rows, measurements });
  if (options.gate && missed.length > 0) process.exitCode = 1;
}
