import { type Client, type Clock, sleep } from 'setpoint';
import { Node } from '../kinds.ts';

/** Several fit into the time after which a Node counts as silent. */
const HEARTBEAT_MS = 2_000;

export interface HeartbeatOptions {
  readonly client: Client;
  readonly node: string;
  readonly capacity: number;
  readonly clock: Clock;
}

/** Keeps the Node object there and its heartbeat fresh until `signal` aborts. */
export async function keepAlive(
  { client, node, capacity, clock }: HeartbeatOptions,
  signal: AbortSignal,
): Promise<void> {
  const nodes = client.resource(Node);
  const beat = async (): Promise<void> => {
    await nodes.apply({ name: node, spec: { capacity } });
    await nodes.modifyStatus({ name: node }, () => ({ heartbeat: new Date(clock.wallNow()).toISOString() }));
  };
  while (!signal.aborted) {
    await beat().catch(() => {}); // one that is missed, because the store is away, the next makes up for
    await sleep(clock, HEARTBEAT_MS, signal);
  }
}

/** Says that the agent is gone from now on, so that nobody has to wait for its silence. */
export async function sayGoodbye({ client, node }: HeartbeatOptions): Promise<void> {
  await client
    .resource(Node)
    .modifyStatus({ name: node }, () => ({ heartbeat: '' }))
    .catch(() => {});
}
