import { type Clock, defineController, systemClock } from 'setpoint';
import { Node, Process } from './kinds.ts';
import { silentForMs, NODE_SILENT_MAX_MS } from './node-health.ts';

/**
 * Takes back what a silent agent last said. A Process whose agent is gone may run or not: it counts as not ready, until
 * its agent, or the one that comes after it, says otherwise.
 */
export function createNodeMonitor(clock: Clock = systemClock) {
  return defineController(Process, {
    name: 'node-monitor',
    watches: [{ resource: Node, map: () => [] }],
    async reconcile({ object, lister, status }) {
      const { nodeName } = object.spec;
      if (nodeName === undefined || object.status?.ready !== true) return {};

      const silentMs = silentForMs(lister(Node).get(nodeName), clock.wallNow());
      if (silentMs < NODE_SILENT_MAX_MS) return { requeueAfterMs: NODE_SILENT_MAX_MS - silentMs };

      await status(
        { phase: 'Unknown', ready: false, restarts: object.status.restarts },
        {
          type: 'Ready',
          status: 'Unknown',
          reason: 'NodeSilent',
          message: `the agent of ${nodeName} gives no sign of life`,
        },
      );
      return {};
    },
  });
}
