import {
  type Client,
  type Clock,
  isSetpointError,
  type Logger,
  openSession,
  type Session,
  sleep,
  systemRandom,
} from 'setpoint';
import { keyText } from 'setpoint/store';
import { Node } from '../kinds.ts';
import { nodeLeaseKey, type NodeHolder, ownHolder } from '../node-leases.ts';
import { isMarkAlive } from './leftovers.ts';

/** How long after its last sign of life a Node counts as down: what etcd grants, at least. */
const TTL_SECONDS = 4;
const LOOK_AGAIN_MS = 500;
/** How often a held key is looked at: a hand may take it away, or off its lease. */
const LOOK_AFTER_MS = 2_000;

export interface PresenceOptions {
  readonly client: Client;
  readonly node: string;
  readonly spec: { readonly capacity: number };
  /** Where the agent answers. */
  readonly address: string;
  /** The mark that the agent's programs carry in their environment. */
  readonly mark: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Holds the Node's key with a lease until `signal` aborts, and again whenever it was lost. `onHeld` is called each
 * time. A key that another living agent holds is waited for: of two agents with one name only one works.
 */
export async function keepPresent(options: PresenceOptions, onHeld: () => void, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, node, mark } = options;
  const presence = {
    ...options,
    key: nodeLeaseKey(client.prefix, node),
    value: JSON.stringify({ ...ownHolder(mark), presence: systemRandom.uuid() }),
  };
  while (!signal.aborted) {
    let session: Session | undefined;
    try {
      session = await openSession({ store: client.store, ttlSeconds: TTL_SECONDS, clock, logger });
      await takeKey(presence, session, signal);
      await describe(options);
      onHeld();
      await whileHeld(presence, session, signal);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error, node }, 'the node is not present; it goes on trying');
    } finally {
      await session?.close();
    }
    if (!signal.aborted) await sleep(clock, LOOK_AGAIN_MS, signal);
  }
}

interface Presence extends PresenceOptions {
  readonly key: string;
  /** What the key holds while it is ours: nobody else writes the same. */
  readonly value: string;
}

async function takeKey(presence: Presence, session: Session, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, node, key, value } = presence;
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    session.assertAlive();
    const free = { key, target: 'version', operator: '=', operand: 0n } as const;
    const { succeeded, responses } = await client.store.txn({
      compares: [free],
      then: [{ put: { key, value, lease: session.id } }],
      else: [{ range: { key } }],
    });
    if (succeeded) return;
    const [answer] = responses;
    const kv = answer && 'range' in answer ? answer.range.kvs[0] : undefined;
    if (!kv) continue;
    const same = { key, target: 'mod', operator: '=', operand: kv.modRevision } as const;
    if (keyText(kv.value) === value) {
      // Ours, of a session that is lost: were it waited for, the node would be away meanwhile.
      const moved = await client.store.txn({ compares: [same], then: [{ put: { key, value, lease: session.id } }] });
      if (moved.succeeded) return;
      continue;
    }
    const holder = JSON.parse(keyText(kv.value)) as NodeHolder;
    if (isGone(holder)) {
      await client.store.txn({ compares: [same], then: [{ delete: { key } }] });
      continue;
    }
    if (!told)
      logger.warn({ node, holder }, `another agent is ${node}: give this one a name of its own, or end that one`);
    told = true;
    await sleep(clock, LOOK_AGAIN_MS, signal);
  }
}

/** An agent that was killed on this machine need not be waited for: the process table knows. */
function isGone({ host, mark }: NodeHolder): boolean {
  return host === ownHolder(mark).host && !isMarkAlive(mark);
}

/** The Node object: what a person said of it stays, where there is one. */
async function describe({ client, node, spec, address }: PresenceOptions): Promise<void> {
  const nodes = client.resource(Node);
  await nodes.create({ name: node, spec }).catch((error: unknown) => {
    if (!isSetpointError(error, 'AlreadyExists')) throw error;
  });
  await nodes.modifyStatus({ name: node }, ({ status }) => ({
    ...(status?.conditions && { conditions: status.conditions }),
    ready: true,
    address,
  }));
}

/** Resolves when the session or the agent is over; rejects when the key is not the session's any more. */
async function whileHeld({ client, clock, key }: Presence, session: Session, signal: AbortSignal): Promise<void> {
  const over = AbortSignal.any([session.signal, signal]);
  for (;;) {
    await sleep(clock, LOOK_AFTER_MS, over);
    if (over.aborted) return;
    // A store that doesn't answer is the session's to judge.
    const answer = await client.store.range({ key }, { signal: over }).catch(() => undefined);
    if (!answer || answer.kvs[0]?.lease === session.id) continue;
    throw new Error(`somebody took ${key} away, or off its lease`);
  }
}
