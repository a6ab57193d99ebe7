/** The agent of one node as a process of its own. */
import { parseArgs } from 'node:util';
import { consoleLogger, createClient, createManager } from 'setpoint';
import { isDnsSubdomain } from 'setpoint/resource';
import { createAgent } from './agent/node-agent.ts';
import { programs } from './cluster.ts';
import { openSharedStore, SetupError } from './open-store.ts';
import { runProgram } from './run-program.ts';

runProgram('ETCD_ENDPOINTS=… node dist/agent.js --node NAME [--prefix /registry]', async () => {
  const { values } = parseArgs({
    options: { node: { type: 'string' }, prefix: { type: 'string', default: '/registry' } },
  });
  const { node, prefix } = values;
  if (node === undefined) throw new SetupError('Say which node this is: node dist/agent.js --node NAME');
  if (!isDnsSubdomain(node)) {
    throw new SetupError(`--node: expected lower-case letters, digits, "-" and ".", such as node-1; got "${node}"`);
  }

  const store = await openSharedStore();
  const { controller, runnable } = createAgent({
    node,
    client: createClient({ store, prefix }),
    directory: programs,
    logger: consoleLogger(),
  });
  const manager = createManager({
    store,
    prefix,
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
