import type { Revision } from '../store/port.ts';
import type { ListSummary } from './informer-cache.ts';
import type { QuarantinedKey } from './quarantine.ts';

/** Something failed that the informer lives on with. */
export interface InformerFailure {
  /**
   * `list` and `watch`: reading the store, tried again after a wait. `handler`, `filter`, `index` and `listener`:
   * the function that was handed in.
   */
  readonly during: 'list' | 'watch' | 'handler' | 'filter' | 'index' | 'listener';
  /** What was thrown: a `SetpointError` for the store and indexes, anything at all for handed-in functions. */
  readonly error: unknown;
  /** The key it happened for. */
  readonly key?: string;
  /** The name of the handler. */
  readonly handler?: string;
}

/** What an informer is doing: `idle` before `run`, `stopped` for ever after it. */
export type InformerPhase = 'idle' | 'listing' | 'watching' | 'backing-off' | 'stopped';

/** The lifecycle of an informer, for logs, metrics and health. What happens to objects is for handlers. */
export interface InformerEvents {
  phase: { readonly phase: InformerPhase; readonly revision: Revision };
  /** The cache is whole, for the first time or again after a history reset. Handlers are being told. */
  synced: { readonly revision: Revision; readonly size: number };
  /** A list after the first one has replaced the cache: changes may have been skipped, states were not. */
  relist: ListSummary;
  /**
   * The store's history is not the one that was read before: a backup was restored or the data wiped. Until the next
   * `synced` the cache is of the old history and `hasSynced` is false; revisions may start lower.
   */
  'history-reset': { readonly lastRevision: Revision };
  /** A value can't be read. See {@link Informer.quarantined}. */
  quarantine: QuarantinedKey;
  /** A key left the quarantine: a good value came, or it was deleted. */
  healed: { readonly key: string; readonly revision: Revision };
  error: InformerFailure;
}

/** What happened so far; numbers only grow. */
export interface InformerCounts {
  /** Finished lists, the first one included. */
  readonly lists: number;
  /** Events at or before a revision that was already in, dropped. */
  readonly staleEvents: number;
  /** Events and listed keys from outside the prefix, dropped. */
  readonly foreignKeys: number;
  readonly storeFailures: number;
  readonly handlerErrors: number;
  readonly filterErrors: number;
  readonly indexErrors: number;
  readonly listenerErrors: number;
}
