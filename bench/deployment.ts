/**
 * A whole control plane at work: the deployment example, spread over two processes beside a real etcd, is given a
 * thousand Deployments of three Processes each, on nodes that are simulated, and timed until every Deployment's status
 * says that all of its Processes answer. In the same run, in turns, the same objects are written by hand with plain
 * etcd3 watches and puts: the floor.
 *
 * `--rounds N`, `--count N` Deployments, `--replicas N`, `--nodes N`, `--contestants setpoint,etcd3`, `--gate`,
 * `--json FILE`. BENCH_PROFILE=folder leaves CPU profiles.
 */
import { parseArgs } from 'node:util';
import { etcdStore } from '@setpoint/etcd';
import { type Measured, reportDeployment } from './deployment/deployment-report.ts';
import { type ContestantName, contestants } from './deployment/job.ts';
import { runOnce } from './deployment/run.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    count: { type: 'string', default: '1000' },
    replicas: { type: 'string', default: '3' },
    nodes: { type: 'string', default: '30' },
    contestants: { type: 'string', default: contestants.join() },
    gate: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const size = {
  deployments: Number(options.count),
  replicas: Number(options.replicas),
  nodes: Number(options.nodes),
};
const measured: Measured[] = options.contestants
  .split(',')
  .map((name) => ({ contestant: name as ContestantName, runs: [] }));

const versions = new Set<string>();
for (let round = 0; round < Number(options.rounds); round++) {
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
reportDeployment(measured, { ...size, gate: options.gate, json: options.json, etcd: [...versions].join() });
