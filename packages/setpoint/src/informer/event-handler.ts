import type { WaitOptions } from './waiters.ts';
import type { Revision } from '../store/port.ts';

/** What every call of a handler is told beside the object. */
export interface ChangeInfo {
  readonly key: string;
  /** The revision of the state, or of the deletion (for one that a relist found out: the revision of the list). */
  readonly revision: Revision;
}

export interface AddInfo extends ChangeInfo {
  /** The object was there before the handler was, or before the informer: not news, but the state to start from. */
  readonly inInitialList: boolean;
}

/**
 * Told of the changes of a cache. Calls of one handler never overlap: a returned promise is awaited before the next
 * call. A call that throws or rejects is counted, reported as `error` and not repeated; the next change comes anyway.
 */
export interface EventHandler<T> {
  /** The key has an object, a new incarnation of it where there was one before. */
  add?(object: T, info: AddInfo): unknown;
  /** The object changed. `old` is the state that this handler was told last. */
  update?(old: T, object: T, info: ChangeInfo): unknown;
  /** The object is gone. `object` is its last known state, which may be newer than what this handler was told. */
  delete?(object: T, info: ChangeInfo): unknown;
}

export interface EventHandlerOptions<T> {
  /** Names the handler in errors and logs. Default `handler-1`, `handler-2` and so on. */
  readonly name?: string;
  /**
   * The handler sees a world with only the objects that pass: one that starts to pass is an add, one that stops is a
   * delete. Must be pure and quick; when it throws the object passes, and the error is reported.
   */
  readonly filter?: (object: T, key: string) => boolean;
  /**
   * Tells the handler of every object again so often, ± 10 %, as an update from its state to the same; keys of which it
   * has yet to be told something are left out. At least 1000. Default: never, since nothing is lost. (For work that
   * looks at the world outside, a `requeueAfterMs` of each key spreads better.)
   */
  readonly resyncMs?: number;
}

/** A handler's place in an informer. */
export interface HandlerRegistration {
  readonly name: string;
  /** Whether the handler has finished the adds of its initial list, which implies that the informer is synced. */
  readonly hasSynced: boolean;
  /** Resolves when `hasSynced`; rejects with `Closed` after `remove` or stop, `Aborted` with the signal, `Timeout`. */
  whenSynced(signal?: AbortSignal, options?: Pick<WaitOptions, 'timeoutMs'>): Promise<void>;
  /**
   * How many keys have changes that the handler was not told yet: at most as many as there are keys. Those that change
   * before their turn in the initial list count twice until then.
   */
  readonly pending: number;
  /** No further call starts, not even within the turn. May be called by the handler itself, and again. */
  remove(): void;
}
