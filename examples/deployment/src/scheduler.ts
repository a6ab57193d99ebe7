import { type Clock, defineController, systemClock } from 'setpoint';
import { REPLICA_FAILURE } from './failures.ts';
import { Node, Process } from './kinds.ts';
import { needOf, Room, sum, type Usage } from './room.ts';

/** How soon to look again for a Node when there was none. */
const LOOK_AGAIN_MS = 1_000;
/** A Process that is younger than this isn't complained of: its Node may just be joining. */
const PATIENCE_MS = 2_000;

/**
 * Gives each new Process a Node: the one with the most room, of those that are alive and fit it. The choice is made
 * once; it is written with the Process's resourceVersion, so that two schedulers could not both make it.
 */
export function createScheduler(clock: Clock = systemClock) {
  const room = new Room(clock);

  return defineController(Process, {
    name: 'scheduler',
    concurrency: 64,
    watches: [{ resource: Node, map: () => [] }], // only looked at: a Process without a Node looks again by itself
    predicates: [({ object }) => object.spec.nodeName === undefined],
    async reconcile({ object, client, event, lister, status }) {
      if (object.spec.nodeName !== undefined) return undefined;

      const nodes = lister(Node)
        .list()
        .filter(({ metadata, spec, status: its }) => {
          return its?.ready === true && !spec.unschedulable && metadata.deletionTimestamp === undefined;
        });
      room.give(object);
      const node = pickNode(
        nodes,
        room.usage(() => lister(Process).list()),
        needOf(object),
      );

      if (node === undefined) {
        const age = clock.wallNow() - Date.parse(object.metadata.creationTimestamp);
        if (age < PATIENCE_MS) return { requeueAfterMs: LOOK_AGAIN_MS };
        const reason = 'FailedScheduling';
        const why = nodes.length === 0 ? 'no node has a living agent' : `none of ${nodes.length} nodes has room for it`;
        const message = `${object.metadata.name}: ${why}`;
        await status(
          { phase: 'Pending', ready: false, restarts: 0 },
          { type: REPLICA_FAILURE, status: true, reason, message },
        );
        event({ type: 'Warning', reason, message: why });
        return { requeueAfterMs: LOOK_AGAIN_MS };
      }
      room.take(node, object);
      await client.resource(Process).update({ ...object, spec: { ...object.spec, nodeName: node } });
      const { namespace, name } = object.metadata;
      event({ reason: 'Scheduled', message: `Successfully assigned ${namespace}/${name} to ${node}` });
      return undefined;
    },
  });
}

/**
 * The name of the Node that would be the least full with it, by whatever it would be fullest of; of equals the one with
 * the fewest processes, then the first by name.
 */
export function pickNode(nodes: readonly Node[], usage: ReadonlyMap<string, Usage>, need: Usage): string | undefined {
  const ranked = nodes.map(({ metadata: { name }, spec }) => {
    const after = sum(usage.get(name), need);
    const shares = [
      share(after.processes, spec.capacity),
      share(after.cpuMilli, spec.cpuMilli),
      share(after.memoryMiB, spec.memoryMiB),
    ];
    return { name, fullest: Math.max(...shares), processes: after.processes };
  });
  return ranked
    .filter(({ fullest }) => fullest <= 1)
    .sort((a, b) => a.fullest - b.fullest || a.processes - b.processes || (a.name < b.name ? -1 : 1))[0]?.name;
}

function share(used: number, of: number): number {
  return used === 0 ? 0 : used / of;
}
