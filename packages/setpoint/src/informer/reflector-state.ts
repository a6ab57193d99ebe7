import type { KeyValue, Revision, WatchBatch } from '../store/port.ts';

/**
 * Why everything is read: at first, because the watch's place in history is gone or so far back that reading everything
 * is faster, because history itself changed, because what was fed proved wrong.
 */
export type ListReason = 'start' | 'compacted' | 'far-behind' | 'history-reset' | 'divergence' | 'failure';

/** Where the pages of one list are gathered. A list that doesn't come to its end is dropped, and a new one begun. */
export interface ListStage {
  add(page: readonly KeyValue[], signal: AbortSignal): Promise<void>;
  /** Puts what was gathered in place of everything before, in one step. It is what the store held at `revision`. */
  commit(revision: Revision, signal: AbortSignal): Promise<void>;
}

/** What a {@link Reflector} feeds. Calls never overlap. */
export interface ReflectorSink {
  /** With `history-reset` nothing that was delivered before can be relied on, and revisions may start over. */
  beginList(reason: ListReason): ListStage;
  /** Takes in what a watch delivered: whole revisions. */
  apply(batch: WatchBatch, signal: AbortSignal): Promise<void>;
}

/** Reading everything, page by page. */
export interface Listing {
  readonly phase: 'listing';
  readonly reason: ListReason;
  readonly stage: ListStage;
  /** How many keys to ask for in the next page. */
  readonly pageSize: number;
  /** No page of this list is larger: it shrinks when one was too much. */
  readonly pageSizeMax: number;
  /** Absent before the first page: its answer says the revision that all other pages are read at. */
  readonly rest?: { readonly revision: Revision; readonly fromKey: Uint8Array };
}

/** Following changes; everything up to `revision` was fed. */
export interface Watching {
  readonly phase: 'watching';
  readonly revision: Revision;
}

export interface BackingOff {
  readonly phase: 'backing-off';
  readonly delayMs: number;
  readonly error: unknown;
  readonly next: Listing | Watching;
}

/**
 * Where a reflector is, with everything it needs there:
 *
 * ```
 * listing ──last page──▶ watching ──compacted, far behind, history reset──▶ listing
 *    └──────failure──────┬──────┘
 *                        ▼
 *                   backing-off ──delay over──▶ where it came from, or listing
 * ```
 */
export type ReflectorState = Listing | Watching | BackingOff;
