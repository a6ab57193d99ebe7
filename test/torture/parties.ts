import { createClient } from 'setpoint';
import { openSession, type Session, type SessionOptions } from 'setpoint/coordination';
import { keyText, type Store } from 'setpoint/store';
import type { Cycle } from './cycle.ts';

/** A session that is closed with the cycle. Its TTL is one that a busy machine does not use up. */
export async function session(t: Cycle, store: Store, options: Partial<SessionOptions> = {}): Promise<Session> {
  const opened = await openSession({ store, ttlSeconds: 10, logger: t.log, ...options });
  t.defer(() => opened.close());
  return opened;
}

/** The cycle's own locks and elections. */
export const rootOf = (t: Cycle): string => `/torture-${t.number}`;

/** The row's server, with a store and a client of objects that have their keys below the cycle's own. */
export async function ground(t: Cycle) {
  const server = await t.sharedEtcd();
  const store = t.store(server.endpoints);
  const prefix = rootOf(t);
  return { server, store, prefix, client: createClient({ store, prefix }) };
}

/** The keys of a lock or an election, in the order of arrival. */
export async function lineOf(store: Store, prefix: string): Promise<string[]> {
  const { kvs } = await store.range({ prefix, sort: { by: 'create', order: 'ascend' } });
  return kvs.map(({ key }) => keyText(key));
}

/** What became of a promise by now. */
export function settled<T>(promise: Promise<T>): { value?: T; error?: unknown; done: boolean } {
  const state: { value?: T; error?: unknown; done: boolean } = { done: false };
  promise.then(
    (value) => Object.assign(state, { value, done: true }),
    (error: unknown) => Object.assign(state, { error, done: true }),
  );
  return state;
}
