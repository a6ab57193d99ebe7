import type { Graph } from './graph.ts';

/** What has to be left of each node: the owners it still names, or undefined where the object is gone. */
export type Expected = readonly (readonly (number | 'foreign')[] | undefined)[];

type Owner = number | 'missing' | 'foreign';

/** What has to come of a graph, by the words of the guarantees alone: no queue, no cache, no order. */
export function expectedOf({ nodes, before, during }: Graph): Expected {
  const start = nodes.map(({ owners }): readonly Owner[] | undefined => owners.map(({ node }) => node));
  const after = survive(start, new Set(before.map(({ node }) => node)), orphansOf(before));
  // What the first batch left, the second finds.
  return survive(after, new Set(during.map(({ node }) => node)), new Set());
}

const orphansOf = (deletions: Graph['before']): ReadonlySet<Owner> =>
  new Set(deletions.flatMap(({ node, propagation }) => (propagation === 'Orphan' ? [node] : [])));

function survive(
  owners: readonly (readonly Owner[] | undefined)[],
  deleted: ReadonlySet<number>,
  orphaned: ReadonlySet<Owner>,
): (readonly (number | 'foreign')[] | undefined)[] {
  const left = owners.map((each) => each?.filter((owner) => !orphaned.has(owner)));
  const alive = new Set(left.flatMap((each, node) => (each && !deleted.has(node) ? [node] : [])));
  const isAlive = (owner: Owner): boolean => (typeof owner === 'number' ? alive.has(owner) : owner === 'foreign');
  for (let changed = true; changed;) {
    changed = false;
    for (const node of alive) {
      const its = left[node]!;
      if (its.length === 0 || its.some(isAlive)) continue;
      alive.delete(node);
      changed = true;
    }
  }
  return left.map((each, node) =>
    alive.has(node)
      ? each!.filter((owner): owner is number | 'foreign' => owner !== 'missing' && isAlive(owner))
      : undefined,
  );
}
