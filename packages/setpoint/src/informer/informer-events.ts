import type { Revision } from '../store/port.ts';
import type { AuditFinding } from './audit-pass.ts';
import type { ListSummary } from './informer-cache.ts';
import type { AddInfo, ChangeInfo } from './event-handler.ts';
import type { MassDelete } from './mass-delete.ts';
import type { QuarantinedKey } from './quarantine.ts';

/** Something failed that the informer lives on with. */
export interface InformerFailure {
  /**
   * `list` and `watch`: reading the store, tried again after a wait. `audit`: a comparison with the store that could
   * not be made; the next one comes in its time. `handler`, `filter`, `index`, `transform` and `listener`: the function
   * that was handed in.
   */
  readonly during: 'list' | 'watch' | 'audit' | 'handler' | 'filter' | 'index' | 'transform' | 'listener';
  /** What was thrown: a `SetpointError` for the store and indexes, anything at all for handed-in functions. */
  readonly error: unknown;
  /** The key it happened for. */
  readonly key?: string;
  /** The name of the handler. */
  readonly handler?: string;
}

/** What an informer is doing: `idle` before `run`, `stopped` for ever after it. */
export type InformerPhase = 'idle' | 'listing' | 'watching' | 'backing-off' | 'stopped';

/**
 * What happens to objects, for those who only look on: from the moment of listening, in the order of a handler's calls.
 * Who has to know what was there before, or wants to be waited for, adds a handler.
 */
export interface ObjectEvents<T> {
  add: AddInfo & { readonly object: T };
  update: ChangeInfo & { readonly old: T; readonly object: T };
  delete: ChangeInfo & { readonly object: T };
}

/** The lifecycle of an informer, for logs, metrics and health. */
export interface InformerEvents {
  phase: { readonly phase: InformerPhase; readonly revision: Revision };
  /** The cache is whole, for the first time or again after a history reset or a divergence. Handlers are being told. */
  synced: { readonly revision: Revision; readonly size: number };
  /** A list after the first one has replaced the cache: changes may have been skipped, states were not. */
  relist: ListSummary;
  /**
   * The store's history is not the one that was read before: a backup was restored or the data wiped. Until the next
   * `synced` the cache is of the old history and `hasSynced` is false; revisions may start lower.
   */
  'history-reset': { readonly lastRevision: Revision };
  /**
   * The cache was found to differ from the store: an event was lost on the way. `hasSynced` is false until the list
   * that follows at once has put it right, which `relist` and `synced` tell.
   */
  divergence: AuditFinding;
  /**
   * Most of the cache went at once: somebody may have wiped the prefix. No handler is called until
   * {@link Informer.release}; the cache itself goes on.
   */
  'mass-delete': MassDelete;
  /** Held handlers were let go: {@link Informer.release} was called. */
  release: { readonly revision: Revision };
  /** Nothing proves any more that the cache is fresh, or something does again. See {@link Informer.stalledSince}. */
  freshness: { readonly stalledSince: number | undefined };
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
  /** Comparisons of the cache with the store that came to their end. */
  readonly audits: number;
  /** Keys that these found to be wrong in the cache. */
  readonly divergedKeys: number;
  /** Comparisons that failed. */
  readonly auditFailures: number;
  readonly handlerErrors: number;
  readonly filterErrors: number;
  readonly indexErrors: number;
  readonly transformErrors: number;
  /** How often handlers were held because most of the cache went at once. */
  readonly massDeletes: number;
  readonly listenerErrors: number;
}

/** Everything that {@link Informer.on} tells. */
export type EventsOf<T> = InformerEvents & ObjectEvents<T>;

const OBJECT_EVENTS: readonly string[] = ['add', 'update', 'delete'] satisfies (keyof ObjectEvents<unknown>)[];

export function isObjectEvent(event: string): boolean {
  return OBJECT_EVENTS.includes(event);
}
