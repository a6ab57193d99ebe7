import { createClient, type Client, defineResource, memoryStore, type Store } from 'setpoint';
import type { ClientOptions } from 'setpoint/client';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { z } from 'zod';

/** Kinds, a client on virtual time, and a count of what it asks of its store. */
export const Website = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  spec: z.object({
    replicas: z.int().min(0).default(1),
    message: z.string(),
    theme: z.object({ color: z.string().optional(), font: z.string().optional() }).optional(),
    tags: z.array(z.string()).optional(),
    region: z.string().optional(),
  }),
  status: z.object({ ready: z.int() }),
  scale: { specReplicasPath: 'spec.replicas', statusReplicasPath: 'status.ready' },
  immutable: ['spec.region'],
});
export const Server = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Server',
  plural: 'servers',
  spec: z.object({ message: z.string() }),
  status: z.object({ up: z.boolean() }),
});
export const Node = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  scope: 'Cluster',
  spec: z.object({ address: z.string() }),
});

export function sampleClient(options: Partial<ClientOptions> = {}) {
  const clock = new FakeClock();
  const store = options.store ?? memoryStore({ clock });
  const calls: string[] = [];
  const counted = countedStore(store, calls);
  const client: Client = createClient({ clock, random: seededRandom(7), ...options, store: counted });
  return {
    client,
    clock,
    store,
    calls,
    websites: client.resource(Website),
    servers: client.resource(Server),
    nodes: client.resource(Node),
  };
}

function countedStore(store: Store, calls: string[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return member.apply(target, args);
      };
    },
  });
}

export async function revisionOf(store: Store): Promise<bigint> {
  return (await store.range({ key: 'none' })).revision;
}

/** Moves virtual time until the work is done. */
export async function drive<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let over = false;
  const done = work.finally(() => (over = true));
  done.catch(() => {});
  while (!over) await clock.advance(clock.nextTimerIn ?? 0);
  return await done;
}

/** What a rejected call was rejected with. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
}
