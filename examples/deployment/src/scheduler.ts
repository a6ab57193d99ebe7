import { type Clock, defineController, systemClock } from 'setpoint';
import { REPLICA_FAILURE } from './failures.ts';
import { Node, Process } from './kinds.ts';
import { NODE_SILENT_MAX_MS, silentForMs } from './node-health.ts';

/** How soon to look again for a Node when there was none. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Gives each new Process a Node: the one that runs the fewest, of those that are alive and have room. The choice is
 * made once; it is written with the Process's resourceVersion, so that two schedulers could not both make it.
 */
export function createScheduler(clock: Clock = systemClock) {
  /** What was decided but may not be in the cache yet, by uid: counted, or a burst would overfill a Node. */
  const decided = new Map<string, string>();

  return defineController(Process, {
    name: 'scheduler',
    watches: [{ resource: Node, map: () => [] }], // only looked at: a Process without a Node looks again by itself
    predicates: [({ object }) => object.spec.nodeName === undefined],
    async reconcile({ object, client, lister, status }) {
      if (object.spec.nodeName !== undefined) return undefined;

      const processes = lister(Process).list();
      const now = clock.wallNow();
      const nodes = lister(Node)
        .list()
        .filter((each) => silentForMs(each, now) < NODE_SILENT_MAX_MS);
      const node = pickNode(nodes, countByNode(processes, decided));

      if (node === undefined) {
        const message = nodes.length === 0 ? 'no node has a living agent' : `none of ${nodes.length} nodes has room`;
        const why = {
          type: REPLICA_FAILURE,
          status: true,
          reason: 'NoNode',
          message: `${object.metadata.name}: ${message}`,
        };
        await status({ phase: 'Pending', ready: false, restarts: 0 }, why);
        return { requeueAfterMs: LOOK_AGAIN_MS };
      }
      await client.resource(Process).update({ ...object, spec: { ...object.spec, nodeName: node } });
      decided.set(object.metadata.uid, node);
      return undefined;
    },
  });
}

/** The name of the Node with the fewest processes that still has room; of equals the first by name. */
export function pickNode(nodes: readonly Node[], load: ReadonlyMap<string, number>): string | undefined {
  return nodes
    .map(({ metadata: { name }, spec: { capacity } }) => ({ name, capacity, taken: load.get(name) ?? 0 }))
    .filter(({ capacity, taken }) => taken < capacity)
    .sort((a, b) => a.taken - b.taken || (a.name < b.name ? -1 : 1))[0]?.name;
}

/** How many processes each Node has, with those that are only `decided`; forgets the decisions that have arrived. */
export function countByNode(processes: readonly Process[], decided: Map<string, string>): Map<string, number> {
  const counts = new Map<string, number>();
  const arrived = new Set(decided.keys());
  for (const { spec, metadata } of processes) {
    const node = spec.nodeName ?? decided.get(metadata.uid);
    if (spec.nodeName === undefined) arrived.delete(metadata.uid);
    if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  for (const uid of arrived) decided.delete(uid);
  return counts;
}
