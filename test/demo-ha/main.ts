/**
 * `npm run demo:ha`: the deployment example spread over many processes (two replicas of the control plane, three node
 * agents, a load balancer, a three-member etcd), while clients send requests through the service. An etcd member, the
 * leading control plane and a node are killed in turn. Prints what the clients saw, and fails when the aim isn't met:
 * no request fails while an etcd member or the control plane dies, and a node's death is over within its lease. The seed
 * chooses which member and which node, and when. `--help` tells the options.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createClient, type Store } from 'setpoint';
import { observeLeader } from 'setpoint/coordination';
import { type Random, seededRandom } from 'setpoint/testing';
import { commandLine, outputFile, seedOf, whole, writeJson } from '../harness/command-line.ts';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { SpreadCluster } from './spread-cluster.ts';
import { type Seen, Traffic } from './traffic.ts';

/** The example as it is built; this program is built into a folder as deep as the one of its source. */
const kinds = new URL('../../examples/deployment/dist/kinds.js', import.meta.url).href;
const { Deployment, Node, Process, Service } = (await import(
  kinds
)) as typeof import('../../examples/deployment/src/kinds.ts');

const REPLICAS = 6;
const NODES = ['node-1', 'node-2', 'node-3'];
/** The lease of a node, four seconds, and one for noticing. */
const NODE_DEATH_MAX_MS = 5_000;
const PATIENCE_MS = 60_000;
/** Within so long something is killed: at any moment of the parts' own clocks. */
const MOMENT_MAX_MS = 1_000;

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

async function play(etcd: EtcdServer, cluster: SpreadCluster, store: Store, random: Random): Promise<Row[]> {
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
  const nodesReady = async (): Promise<boolean> => {
    const { items } = await client.resource(Node).list();
    return items.filter(({ status }) => status?.ready === true).length === NODES.length;
  };
  // A node that joins later gets none of them, and the one that has them all is not one whose death may go unnoticed.
  await until(nodesReady, `${NODES.length} nodes are not ready`);
  await scale(REPLICAS);
  const { metadata } = await client.resource(Service).create({ name: 'hello', spec: { selector: { app: 'hello' } } });
  const service = () => client.resource(Service).get({ name: metadata.name });
  await until(() => ready(REPLICAS), `${REPLICAS} replicas are not ready`);
  await until(async () => (await service()).status?.endpoints.length === REPLICAS, 'the service has not all endpoints');

  const traffic = new Traffic((await service()).status!.port!, 4);
  const rows: Row[] = [];
  /** Does it, waits until all is well, and a little longer; then looks at what the clients saw. */
  const step = async (what: string, harm: () => Promise<void>, healed: () => Promise<void>, failuresMaxMs: number) => {
    await sleep(random.next() * MOMENT_MAX_MS);
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
    const member = etcd.members[Math.floor(random.next() * etcd.members.length)]!;
    await step(
      'an etcd member killed',
      () => member.kill(),
      async () => {
        await scale(REPLICAS + 1);
        await until(() => ready(REPLICAS + 1), 'it is not scaled without the etcd member');
      },
      0,
    );
    await member.restart();
    await step(
      'the leading control plane killed',
      async () => cluster.end(await leaderOf(store), 'SIGKILL'),
      async () => {
        await scale(REPLICAS);
        await until(() => ready(REPLICAS), 'it is not scaled by the successor');
      },
      0,
    );
    const node = NODES[Math.floor(random.next() * NODES.length)]!;
    const { items: placed } = await client.resource(Process).list();
    const there = placed.filter(({ spec }) => spec.nodeName === node).length;
    await step(
      `a node with ${there} of ${placed.length} killed`,
      () => cluster.end(node, 'SIGKILL'),
      async () => {
        const elsewhere = async (): Promise<boolean> => {
          const { items } = await client.resource(Process).list();
          return (
            items.length === REPLICAS && items.every(({ spec, status }) => spec.nodeName !== node && status?.ready)
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

async function run(random: Random): Promise<Row[]> {
  const version = (await availableEtcds()).at(-1)!;
  const etcd = await startEtcd({ version, members: 3 });
  const store = etcdStore({ endpoints: etcd.endpoints });
  const cluster = new SpreadCluster(etcd.endpoints);
  try {
    return await play(etcd, cluster, store, random);
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

const values = commandLine({
  run: 'npm run demo:ha --',
  about: `The deployment example over many processes, while an etcd member, the leading control plane and a node are killed.
Fails when a request does, except while the lease of the dead node runs out.`,
  options: {
    runs: whole('how often all of it', { default: 1, min: 1 }),
    seed: seedOf(1, 'chooses the member and the node that are killed, and the moments'),
    json: outputFile('writes what the clients saw'),
  },
});
const all: Row[][] = [];
for (let i = 1; i <= values.runs; i++) {
  const seed = values.seed + i - 1;
  const rows = await run(seededRandom(seed));
  all.push(rows);
  console.log(`\nrun ${i} of ${values.runs}, seed ${seed}`);
  print(rows);
}
writeJson(values.json, all);
const missed = all.flat().filter(({ aimMet }) => !aimMet).length;
const requests = all.flat().reduce((sum, each) => sum + each.requests, 0);
console.log(`\ndemo:ha: seed ${values.seed}, ${all.length} runs, ${requests} requests, ${missed} aims missed`);
process.exitCode = missed === 0 ? 0 : 1;
