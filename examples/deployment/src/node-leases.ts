import { hostname } from 'node:os';
import { type Clock, createInformer, type Informer, type Store } from 'setpoint';
import { jsonCodec } from 'setpoint/resource';

/**
 * Whether an agent lives is told by a key that its lease carries: `<prefix>/nodeleases/<node>`. It goes by itself when
 * nobody renews the lease any more, on etcd's clock alone, so that no two machines' clocks are ever compared.
 */
export function nodeLeaseKey(prefix: string, node: string): string {
  return `${leasesOf(prefix)}/${node}`;
}

function leasesOf(prefix: string): string {
  return `${prefix}/nodeleases`;
}

/** What the key of a Node holds: which agent it is, for people and for the agent that comes after it. */
export interface NodeHolder {
  readonly host: string;
  /** The mark that the agent's programs carry in their environment. */
  readonly mark: string;
  /** Tells one presence from all others, also of the same agent. */
  readonly presence?: string;
}

export function ownHolder(mark: string): NodeHolder {
  return { host: hostname(), mark };
}

/** Which Nodes have a living agent, kept up to date. */
export function createNodeLeases(store: Store, prefix: string, clock: Clock): Informer<unknown> {
  return createInformer({
    store,
    prefix: leasesOf(prefix),
    name: 'node leases',
    codec: jsonCodec,
    clock,
    audit: false,
  });
}
