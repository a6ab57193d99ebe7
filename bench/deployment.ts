/**
 * A whole control plane at work: the deployment example, spread over two processes beside a real etcd, is given a
 * thousand Deployments of three Processes each, on nodes that are simulated, and timed until every Deployment's status
 * says that all of its Processes answer. In the same run, in turns, the same objects are written by hand with plain
 * etcd3 watches and puts: the floor.
 * `--help` tells the options. BENCH_PROFILE=folder leaves CPU profiles.
 */
import { etcdStore } from '@setpoint/etcd';
import { commandLine, list, oneOf, whole } from '../test/harness/command-line.ts';
import { type Measured, reportDeployment } from './deployment/deployment-report.ts';
import { contestants } from './deployment/job.ts';
import { runOnce } from './deployment/run.ts';
import { reporting } from './report.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';

const { gate, json, ...options } = commandLine({
  run: 'npm run bench -- deployment',
  about: 'The deployment example, from created to ready, beside the same objects written with plain etcd3.',
  options: {
    rounds: whole('of each contestant, in turns', { default: 3, min: 1 }),
    count: whole('how many Deployments', { default: 1000, min: 1 }),
    replicas: whole('of each', { default: 3, min: 1 }),
    nodes: whole('simulated ones', { default: 30, min: 1 }),
    contestants: list(oneOf(contestants, 'who is measured'), contestants),
    ...reporting,
  },
});
const size = { deployments: options.count, replicas: options.replicas, nodes: options.nodes };
const measured: Measured[] = options.contestants.map((contestant) => ({ contestant, runs: [] }));

const versions = new Set<string>();
for (let round = 0; round < options.rounds; round++) {
  for (const { contestant, runs } of measured) {
    // One for each run: the memory of an etcd that has done something before says nothing.
    const etcd = await startBenchEtcd(new URL('../../', import.meta.url), { fsync: true });
    const store = etcdStore({ endpoints: etcd.endpoint, callTimeoutMs: 60_000 });
    versions.add(etcd.version);
    try {
      runs.push(await runOnce({ ...size, contestant, etcd, store, prefix: '/registry' }));
    } finally {
      await store.close();
      await etcd.dispose();
    }
  }
}
reportDeployment(measured, { ...size, gate, json, etcd: [...versions].join() });
