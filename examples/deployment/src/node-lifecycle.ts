import { type Client, type Clock, defineController, type Informer, type Source } from 'setpoint';
import { informerSource } from 'setpoint/source';
import { Node, Process } from './kinds.ts';

/** How long a Node may be without an agent before its Processes are made anew elsewhere. */
export const EVICT_AFTER_MS = 5_000;
/** While a Node is down, things may still be bound to it that nobody tells about. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Follows the leases of the Nodes. Where one is gone, its Processes are not to be believed any more, at once; when it
 * stays away, they are evicted: deleted, and let go in the absent agent's place, so that their ReplicaSets make new ones
 * elsewhere. An agent that comes back finds them gone and ends what still runs of them.
 */
export function createNodeLifecycle(leases: Informer<unknown>, clock: Clock) {
  const leaseChanges: Source = informerSource(leases, (_lease, key) => [key]);
  return defineController(Node, {
    name: 'node-lifecycle',
    watches: [{ resource: Process, map: () => [] }],
    sources: [leaseChanges],
    async reconcile({ object, client, lister, status, event }) {
      const { name } = object.metadata;
      const address = object.status?.address;
      const before = object.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
      if (leases.lister.has(name)) {
        await status(
          { ready: true, ...(address !== undefined && { address }) },
          { type: 'Ready', status: true, reason: 'AgentReady', message: 'its agent keeps its lease alive' },
        );
        if (before !== 'True') event({ reason: 'NodeReady', message: `Node ${name} status is now: NodeReady` });
        return {};
      }
      const silentSince = object.status?.silentSince ?? new Date(clock.wallNow()).toISOString();
      await status(
        { ready: false, silentSince, ...(address !== undefined && { address }) },
        {
          type: 'Ready',
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'its agent has let its lease run out',
        },
      );
      if (before === 'True') {
        event({ type: 'Warning', reason: 'NodeNotReady', message: `Node ${name} status is now: NodeNotReady` });
      }
      const bound = boundTo(name, lister(Process).list());
      const leftMs = Date.parse(silentSince) + EVICT_AFTER_MS - clock.wallNow();
      if (leftMs <= 0 && bound.length > 0) {
        event({ reason: 'DeletingAllProcesses', message: `Deleting all processes from Node ${name}` });
      }
      for (const process of bound) {
        if (leftMs > 0) await doubt(client, process, name, silentSince);
        else await evict(client, process, name);
      }
      return { requeueAfterMs: leftMs > 0 ? Math.min(leftMs, LOOK_AGAIN_MS) : LOOK_AGAIN_MS };
    },
    /** A Node that is deleted goes when it is empty: else nobody would ever take its Processes off it. */
    async finalize({ object, client, lister }) {
      const { name } = object.metadata;
      const bound = boundTo(name, lister(Process).list());
      for (const process of bound) {
        if (!leases.lister.has(name)) await evict(client, process, name);
        else if (process.metadata.deletionTimestamp === undefined) await client.resource(Process).delete(process);
      }
      return bound.length === 0 ? {} : { requeueAfterMs: LOOK_AGAIN_MS };
    },
  });
}

function boundTo(node: string, processes: readonly Process[]): Process[] {
  const finalizer = agentFinalizer(node);
  return processes.filter(({ metadata, spec }) => spec.nodeName === node || metadata.finalizers?.includes(finalizer));
}

/** Takes back what the silent agent last said. */
async function doubt(client: Client, process: Process, node: string, now: string): Promise<void> {
  if (process.status?.ready !== true) return;
  await client.resource(Process).modifyStatus(process, ({ status }) => ({
    phase: 'Unknown',
    ready: false,
    restarts: status?.restarts ?? 0,
    conditions: [
      ...(status?.conditions ?? []).filter(({ type }) => type !== 'Ready'),
      {
        type: 'Ready',
        status: 'Unknown',
        reason: 'NodeLost',
        message: `the agent of ${node} gives no sign of life`,
        lastTransitionTime: now,
      },
    ],
  }));
}

async function evict(client: Client, process: Process, node: string): Promise<void> {
  const processes = client.resource(Process);
  const { finalizers = [] } = await processes.delete(process).then(({ metadata }) => metadata);
  if (finalizers.includes(agentFinalizer(node))) await processes.removeFinalizer(process, agentFinalizer(node));
}

/** What the agent of a Node puts on each of its Processes: an object that is gone means a program that is gone. */
export function agentFinalizer(node: string): string {
  return `${Process.group}/agent-${node}`;
}
