/** The load balancer of a machine as a process of its own. */
import { parseArgs } from 'node:util';
import { createManager } from 'setpoint';
import { createBalancer } from './balancer.ts';
import { openSharedStore } from './open-store.ts';
import { runProgram } from './run-program.ts';

runProgram('ETCD_ENDPOINTS=… node dist/balancing.js [--prefix /registry]', async () => {
  const { values } = parseArgs({ options: { prefix: { type: 'string', default: '/registry' } } });
  const store = await openSharedStore();
  const { controller, runnable } = createBalancer();
  const manager = createManager({
    store,
    prefix: values.prefix,
    controllers: [controller],
    runnables: [runnable],
    garbageCollection: false, // that is the control plane's task
  });
  try {
    await manager.run();
  } finally {
    await store.close();
  }
});
