/** The control plane as a process of its own: `ETCD_ENDPOINTS=… node dist/controllers.js [--prefix /registry]` */
import { parseArgs } from 'node:util';
import { createManager } from 'setpoint';
import { createControlPlane } from './cluster.ts';
import { kinds } from './kinds.ts';
import { openSharedStore } from './open-store.ts';
import { runProgram } from './run-program.ts';

runProgram(async () => {
  const { values } = parseArgs({ options: { prefix: { type: 'string', default: '/registry' } } });
  const store = await openSharedStore();
  const manager = createManager({
    store,
    prefix: values.prefix,
    resources: kinds,
    ...createControlPlane(store, values.prefix),
  });
  try {
    await manager.run();
  } finally {
    await store.close();
  }
});
