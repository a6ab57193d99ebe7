import { SetpointError } from '../errors/index.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Ownership } from '../coordination/index.ts';
import type { Attempt, Result } from '../controller/index.ts';
import type { Source } from '../source/index.ts';
import type { Store } from '../store/index.ts';

/** By what right the reconcilers of an elected or sharded control plane act: a leadership, or the slot of a key. */
export interface Tenure {
  /** Whether a key is this replica's to work on just now. */
  owns(key: string): boolean;
  /** Begins work on a key; undefined when it is not ours. */
  enter(key: string): { readonly ownership: Ownership; leave(): void } | undefined;
}

type Work = (attempt: Attempt, ownership: Ownership) => Promise<Result | void>;

/**
 * Runs one attempt by right of `tenure`: not at all when the key isn't ours, and under a signal that also aborts when it
 * is ours no more. How an attempt ends that lost its right meanwhile is of no interest: the key is another's.
 */
export async function within(tenure: Tenure, key: string, attempt: Attempt, work: Work): Promise<Result | void> {
  const stay = tenure.enter(key);
  if (!stay) return undefined;
  const { ownership } = stay;
  const link = linkedAbort(attempt.signal, ownership.signal);
  try {
    return await work(underSignal(attempt, link.signal), ownership);
  } catch (error) {
    if (ownership.held) throw error;
    attempt.logger.info({ err: error }, `${ownership.what} was lost during the reconcile: whoever owns it goes on`);
    return undefined;
  } finally {
    link.unlink();
    stay.leave();
  }
}

/** The same attempt under another signal. */
function underSignal(attempt: Attempt, signal: AbortSignal): Attempt {
  const { reconcileId, attempt: number, wrote, timed } = attempt;
  return {
    signal,
    get logger() {
      return attempt.logger;
    },
    reconcileId,
    attempt: number,
    wrote,
    timed,
  };
}

/** The source, without the keys that are another replica's. */
export function ownKeysOf(source: Source, tenure: Tenure | undefined): Source {
  if (!tenure) return source;
  return {
    name: source.name,
    start: (sink, signal) =>
      source.start({ ...sink, enqueue: (key, notes) => tenure.owns(key) && sink.enqueue(key, notes) }, signal),
  };
}

/** A handle to whatever store `current` gives at the moment of each call, which throws while there is none. */
export function storeOf(current: () => Store): Store {
  return new Proxy({} as Store, {
    get: (_, name: keyof Store) => {
      if (name === 'watch') return (...args: Parameters<Store['watch']>) => current().watch(...args);
      return async (...args: unknown[]) => (current()[name] as (...args: unknown[]) => unknown)(...args);
    },
  });
}

/** Reads pass; writes are refused: they would carry no fence. */
export function readingStore(store: Store): Store {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new SetpointError(
        'Invalid',
        "the manager is elected or sharded, and its own client can't tell by what right it writes: " +
          "in a reconcile use the context's client; elsewhere use manager.unsafeClient, whose writes nothing guards",
      ),
    );
  const writes = new Set(['put', 'delete', 'txn', 'compact', 'leaseGrant', 'leaseRevoke', 'leaseKeepAlive', 'disarm']);
  return new Proxy(store, {
    get(target, name) {
      if (writes.has(name as string)) return refuse;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
