import { isSetpointError, type ErrorCode } from 'setpoint';
import type { KeyValue, Store, WatchBatch, WatchEvent, WatchOptions, WatchRequest } from 'setpoint/store';
import { expect } from 'vitest';

/** A store under test and what differs between stores: how time passes, and what old servers can't do. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Whether it answers requests for progress: an etcd whose answers can't be trusted is not asked. */
  readonly answersProgress: boolean;
  /** Lets at least `ms` pass: virtual time for the memory store, a real wait for etcd. */
  elapse(ms: number): Promise<void>;
  /** Another, independent store of the same kind, for closing. It may share its data with the first. */
  another(): Promise<Store>;
  dispose(): Promise<void>;
}

/** Makes a {@link StoreUnderTest}; called once for each topic of the suite. */
export type OpenStore = () => Promise<StoreUnderTest>;

let prefixes = 0;

/** A prefix that nothing else uses, so that stores and their databases can be shared. */
export function freshPrefix(): string {
  return `/conformance/${process.pid}-${Date.now()}-${prefixes++}/`;
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** One key as a test writes it down: name behind the prefix, value, and the rest only where it is asked for. */
export function brief(kv: KeyValue, prefix = ''): string {
  return `${text(kv.key).slice(prefix.length)}=${text(kv.value)}`;
}

export function briefly(kvs: readonly KeyValue[], prefix: string): string[] {
  return kvs.map((kv) => brief(kv, prefix));
}

export async function revisionOf(store: Store): Promise<bigint> {
  return (await store.range({ key: '/conformance/none' })).revision;
}

export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const outcome = await promise.then(
    (value) => value,
    (error: unknown) => error,
  );
  expect(isSetpointError(outcome) ? outcome.code : outcome, 'the error code').toBe(code);
}

/** A running watch and what it has delivered so far. */
export interface Watching {
  readonly batches: readonly WatchBatch[];
  readonly events: readonly WatchEvent[];
  /** Resolves once so many events have arrived; rejects when the watch fails first. */
  atLeast(count: number): Promise<readonly WatchEvent[]>;
  /** Resolves when a first batch has arrived. */
  begun(): Promise<void>;
  /** Ends it and resolves when its iteration is over. */
  stop(): Promise<void>;
  /** How its iteration ended: 'running', 'done' or the error. */
  readonly ended: () => unknown;
  readonly over: Promise<unknown>;
}

export function watching(store: Store, request: WatchRequest, options: WatchOptions = {}): Watching {
  const abort = new AbortController();
  const batches: WatchBatch[] = [];
  const events: WatchEvent[] = [];
  const waiters = new Set<() => void>();
  let ended: unknown = 'running';
  const tell = (): void => waiters.forEach((waiter) => waiter());
  const run = async (): Promise<unknown> => {
    try {
      for await (const batch of store.watch(request, { ...options, signal: abort.signal })) {
        batches.push(batch);
        events.push(...batch.events);
        tell();
      }
      ended = 'done';
    } catch (error) {
      ended = error;
    }
    tell();
    return ended;
  };
  const over = run();
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (condition()) resolve();
        else if (ended !== 'running') reject(ended instanceof Error ? ended : new Error('the watch is over'));
        else return;
        waiters.delete(check);
      };
      waiters.add(check);
      check();
    });
  return {
    batches,
    events,
    over,
    ended: () => ended,
    begun: () => until(() => batches.length > 0),
    async atLeast(count) {
      await until(() => events.length >= count);
      return events;
    },
    async stop() {
      abort.abort();
      await over;
    },
  };
}
