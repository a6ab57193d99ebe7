/**
 * The control plane as a process of its own. With `--elect` run as many as you like: one leads, the others stand by with
 * warm caches, and a leader's every write is refused as soon as another one has taken over.
 */
import { parseArgs } from 'node:util';
import { consoleLogger, createManager } from 'setpoint';
import { createControlPlane } from './cluster.ts';
import { kinds } from './kinds.ts';
import { openSharedStore } from './open-store.ts';
import { runProgram } from './run-program.ts';

/** Short: a successor waits for so long when the leader is killed. */
const LEASE_MS = 4_000;

const USAGE = 'ETCD_ENDPOINTS=… node dist/controllers.js [--prefix /registry] [--elect [--identity NAME]]';

runProgram(USAGE, async () => {
  const { values } = parseArgs({
    options: {
      prefix: { type: 'string', default: '/registry' },
      elect: { type: 'boolean', default: false },
      identity: { type: 'string', default: `controllers-${process.pid}` },
    },
  });
  const { elect, prefix, identity } = values;
  const store = await openSharedStore();
  const manager = createManager({
    store,
    prefix,
    resources: kinds,
    ...(elect && {
      leaderElection: {
        name: 'deployment-controllers',
        identity,
        leaseDurationMs: LEASE_MS,
        renewDeadlineMs: 3_000,
        retryPeriodMs: 500,
      },
    }),
    logger: consoleLogger(),
    ...createControlPlane(store, prefix),
  });
  try {
    await manager.run();
  } finally {
    await store.close();
  }
});
