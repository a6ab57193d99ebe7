import type { Random } from 'setpoint';
import type { Propagation } from 'setpoint/client';

/** One object of a graph, by its number. */
export interface GraphNode {
  /** Which of the sample kinds; the last one is cluster-scoped. */
  readonly kind: number;
  /** Numbers of other nodes, or what is there in no graph: `missing` is gone, `foreign` is of a kind nobody collects. */
  readonly owners: readonly { readonly node: number | 'missing' | 'foreign'; readonly blocks: boolean }[];
  /** Somebody else's finalizer is on it and taken off late. */
  readonly held: boolean;
}

/** What a user deletes, and how. All of one batch before the collector sees any of it, or while it runs. */
export interface Deletion {
  readonly node: number;
  readonly propagation: Propagation;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Deleted while no collector runs. */
  readonly before: readonly Deletion[];
  /** Deleted while one runs. Nothing is orphaned here: what comes of that would depend on who is quicker. */
  readonly during: readonly Deletion[];
}

export const CLUSTER_KIND = 3;
const NODES_MAX = 9;

/** A graph with circles, several owners, owners of other kinds, missing ones: whatever `random` draws. */
export function randomGraph(random: Random): Graph {
  const draw = (below: number): number => Math.floor(random.next() * below);
  const count = 1 + draw(NODES_MAX);
  const kinds = Array.from({ length: count }, () => draw(CLUSTER_KIND + 1));
  const nodes = kinds.map((kind): GraphNode => {
    // What has no namespace can't say in which its owner is.
    const owners = kinds.flatMap((other, node) =>
      (kind !== CLUSTER_KIND || other === CLUSTER_KIND) && random.next() < 1.6 / count ? [node] : [],
    );
    const special = random.next() < 0.12 ? [random.next() < 0.6 ? ('missing' as const) : ('foreign' as const)] : [];
    return {
      kind,
      owners: [...owners, ...special].map((node) => ({ node, blocks: random.next() < 0.6 })),
      held: random.next() < 0.1,
    };
  });
  const some = (share: number): number[] => kinds.flatMap((_, node) => (random.next() < share ? [node] : []));
  const propagation = (): Propagation => (['Background', 'Foreground', 'Orphan'] as const)[draw(3)]!;
  const before = some(0.3).map((node) => ({ node, propagation: propagation() }));
  const during = some(0.15)
    .filter((node) => before.every((other) => other.node !== node))
    .map((node) => ({ node, propagation: random.next() < 0.5 ? ('Background' as const) : ('Foreground' as const) }));
  return { nodes, before, during };
}
