/**
 * `npm run demo:ha`: the deployment example spread over many processes (two replicas of the control plane, three node
 * agents, a load balancer, a three-member etcd), while clients send requests through the service. An etcd member, the
 * leading control plane and a node are killed in turn. Prints what the clients saw, and fails when the aim isn't met:
 * no request fails while an etcd member or the control plane dies, and a node's death is over within its lease.
 *
 *     npm run demo:ha -- --runs 10 --json FILE
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { etcdStore } from '@setpoint/etcd';
import { createClient, type Store } from 'setpoint';
import { observeLeader } from 'setpoint/coordination';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { SpreadCluster } from './spread-cluster.ts';
import { type Seen, Traffic } from './traffic.ts';

/** The example as it is built; this program is built into a folder as deep as the one of its source. */
const kinds = new URL('../../examples/deployment/dist/kinds.js', import.meta.url).href;
const { Deployment, Process, Service } = (await import(
  kinds
)) as typeof import('../../examples/deployment/src/kinds.ts');

const REPLICAS = 6;
const NODES = ['node-1', 'node-2', 'node-3'];
/** The lease of a node, four seconds, and one for noticing. */
const NODE_DEATH_MAX_MS = 5_000;
const PATIENCE_MS = 60_000;

interface Row extends Seen {
  readonly what: string;
  /** Until everything was as wanted again. */
  readonly healedMs: number;
  readonly aimMet: boolean;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`after ${PATIENCE_MS / 1000} s: ${what}`);
    await sleep(50);
  }
}

async function leaderOf(store: Store): Promise<string> {
  const elections = observeLeader(store, 'deployment-controllers', { prefix: '/registry/_coordination' });
  for await (const leader of elections) if (leader) return leader.identity;
  throw new Error('there is no leader');
}

async function play(etcd: EtcdServer, cluster: SpreadCluster, store: Store): Promise<Row[]> {
  const client = createClient({ store });
  for (const name of ['control-1', 'control-2']) cluster.start(name, 'controllers', '--elect', '--identity', name);
  for (const node of NODES) cluster.start(node, 'agent', '--node', node);
  cluster.start('balancer', 'balancing');
  const deployments = client.resource(Deployment);
  const scale = (replicas: number) =>
    deployments.apply({
      name: 'hello',
      spec: { replicas, template: { command: ['node', 'helloworld.js'], labels: { app: 'hello' } } },
    });
  const ready = async (count: number): Promise<boolean> => {
    const { status, metadata } = await deployments.get({ name: 'hello' });
    return status?.observedGeneration === metadata.generation && status.ready === count && status.replicas === count;
  };
  await scale(REPLICAS);
  const { metadata } = await client.resource(Service).create({ name: 'hello', spec: { selector: { app: 'hello' } } });
  const service = () => client.resource(Service).get({ name: metadata.name });
  await until(() => ready(REPLICAS), `${REPLICAS} replicas are not ready`);
  await until(async () => (await service()).status?.endpoints.length === REPLICAS, 'the service has not all endpoints');

  const traffic = new Traffic((await service()).status!.port!, 4);
  const rows: Row[] = [];
  /** Does it, waits until all is well, and a little longer; then looks at what the clients saw. */
  const step = async (what: string, harm: () => Promise<void>, healed: () => Promise<void>, failuresMaxMs: number) => {
    const start = performance.now();
    await harm();
    await healed();
    const healedMs = performance.now() - start;
    await sleep(1_500);
    const seen = traffic.since(start);
    rows.push({ what, ...seen, healedMs, aimMet: seen.lastFailureMs <= failuresMaxMs && seen.requests > 0 });
  };
  try {
    await step(
      'nothing',
      () => sleep(2_000),
      async () => {},
      0,
    );
    await step(
      'an etcd member killed',
      () => etcd.members[0]!.kill(),
      async () => {
        await scale(REPLICAS + 1);
        await until(() => ready(REPLICAS + 1), 'it is not scaled without the etcd member');
      },
      0,
    );
    await etcd.members[0]!.restart();
    await step(
      'the leading control plane killed',
      async () => cluster.end(await leaderOf(store), 'SIGKILL'),
      async () => {
        await scale(REPLICAS);
        await until(() => ready(REPLICAS), 'it is not scaled by the successor');
      },
      0,
    );
    await step(
      'a node killed',
      () => cluster.end('node-2', 'SIGKILL'),
      async () => {
        const elsewhere = async (): Promise<boolean> => {
          const { items } = await client.resource(Process).list();
          return (
            items.length === REPLICAS && items.every(({ spec, status }) => spec.nodeName !== 'node-2' && status?.ready)
          );
        };
        await until(elsewhere, 'its processes are not made anew elsewhere');
      },
      NODE_DEATH_MAX_MS,
    );
  } finally {
    await traffic.stop();
  }
  await deployments.delete({ name: 'hello' });
  await until(async () => (await client.resource(Process).list()).items.length === 0, 'it is not cleaned up');
  return rows;
}

async function run(): Promise<Row[]> {
  const version = (await availableEtcds()).at(-1)!;
  const etcd = await startEtcd({ version, members: 3 });
  const store = etcdStore({ endpoints: etcd.endpoints });
  const cluster = new SpreadCluster(etcd.endpoints);
  try {
    return await play(etcd, cluster, store);
  } catch (error) {
    console.error(cluster.said.slice(-4_000));
    throw error;
  } finally {
    await cluster.stop();
    await store.close();
    await etcd.dispose();
  }
}

function print(rows: readonly Row[]): void {
  const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
  const cells = rows.map((row) => [
    row.what,
    String(row.requests),
    String(row.failed),
    row.failed === 0 ? '-' : ms(row.lastFailureMs),
    ms(row.p50Ms),
    ms(row.p99Ms),
    ms(row.maxMs),
    `${(row.healedMs / 1000).toFixed(1)} s`,
    row.aimMet ? 'met' : `NOT MET: ${row.failures}`,
  ]);
  const head = ['what died', 'requests', 'failed', 'last failure', 'p50', 'p99', 'longest', 'healed after', 'aim'];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  for (const row of [head, ...cells]) {
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '));
  }
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '1' }, json: { type: 'string' } } });
const all: Row[][] = [];
for (let i = 1; i <= Number(values.runs); i++) {
  const rows = await run();
  all.push(rows);
  console.log(`\nrun ${i} of ${values.runs}`);
  print(rows);
}
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(all, undefined, 2));
const missed = all.flat().filter(({ aimMet }) => !aimMet).length;
console.log(
  `\n${all.length} runs, ${all.flat().reduce((sum, { requests }) => sum + requests, 0)} requests, ${missed} aims missed`,
);
process.exitCode = missed === 0 ? 0 : 1;
