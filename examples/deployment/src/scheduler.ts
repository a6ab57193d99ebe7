import { type Clock, defineController, systemClock } from 'setpoint';
import { REPLICA_FAILURE } from './failures.ts';
import { Node, Process } from './kinds.ts';

/** How soon to look again for a Node when there was none. */
const LOOK_AGAIN_MS = 1_000;
/** A Process that is younger than this isn't complained of: its Node may just be joining. */
const PATIENCE_MS = 2_000;

/** What some processes need together. */
export interface Usage {
  readonly processes: number;
  readonly cpuMilli: number;
  readonly memoryMiB: number;
}

/**
 * Gives each new Process a Node: the one with the most room, of those that are alive and fit it. The choice is made
 * once; it is written with the Process's resourceVersion, so that two schedulers could not both make it.
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

      const nodes = lister(Node)
        .list()
        .filter((each) => each.status?.ready === true && !each.spec.unschedulable);
      const node = pickNode(nodes, usageByNode(lister(Process).list(), decided), needOf(object));

      if (node === undefined) {
        const age = clock.wallNow() - Date.parse(object.metadata.creationTimestamp);
        if (age < PATIENCE_MS) return { requeueAfterMs: LOOK_AGAIN_MS };
        const message =
          nodes.length === 0 ? 'no node has a living agent' : `none of ${nodes.length} nodes has room for it`;
        const why = {
          type: REPLICA_FAILURE,
          status: true,
          reason: 'FailedScheduling',
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

export function needOf({ spec }: Process): Usage {
  return { processes: 1, ...spec.resources };
}

const NOTHING: Usage = { processes: 0, cpuMilli: 0, memoryMiB: 0 };

function add(a: Usage, b: Usage): Usage {
  return {
    processes: a.processes + b.processes,
    cpuMilli: a.cpuMilli + b.cpuMilli,
    memoryMiB: a.memoryMiB + b.memoryMiB,
  };
}

/**
 * The name of the Node that would be the least full with it, by whatever it would be fullest of; of equals the one with
 * the fewest processes, then the first by name.
 */
export function pickNode(nodes: readonly Node[], usage: ReadonlyMap<string, Usage>, need: Usage): string | undefined {
  const ranked = nodes.map(({ metadata: { name }, spec }) => {
    const after = add(usage.get(name) ?? NOTHING, need);
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

/** What each Node's processes need, with those that are only `decided`; forgets the decisions that have arrived. */
export function usageByNode(processes: readonly Process[], decided: Map<string, string>): Map<string, Usage> {
  const usage = new Map<string, Usage>();
  const arrived = new Set(decided.keys());
  for (const process of processes) {
    const { spec, metadata } = process;
    const node = spec.nodeName ?? decided.get(metadata.uid);
    if (spec.nodeName === undefined) arrived.delete(metadata.uid);
    if (node !== undefined) usage.set(node, add(usage.get(node) ?? NOTHING, needOf(process)));
  }
  for (const uid of arrived) decided.delete(uid);
  return usage;
}
