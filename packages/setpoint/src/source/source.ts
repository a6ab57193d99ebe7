import type { AddNotes } from '../workqueue/index.ts';

/** What a {@link Source} is given to feed. Neither function ever throws. */
export interface SourceSink {
  /**
   * Asks for a reconcile of `key`. Asking again before it ran changes nothing: keys coalesce. `notes` say how urgent it
   * is and why; without a cause it is said to be an event of this source.
   */
  enqueue(key: string, notes?: AddNotes): void;
  /**
   * Tells of an error in user code (a mapper, a predicate, an Observable) that did not stop the source. It is logged
   * and counted as `setpoint_source_errors_total`.
   */
  report(error: unknown, during: SourceFailure): void;
}

/** Where in a source user code failed. */
export interface SourceFailure {
  readonly source: string;
  readonly stage: 'predicate' | 'keys' | 'observable';
  /** The key of the object that the event was about, where there is one. */
  readonly key?: string;
}

/** An origin of reconcile requests. A controller starts each of its sources once. */
export interface Source {
  /** Names the source in logs, and in the error when it does not sync in time: for caches, the kind. */
  readonly name: string;
  /**
   * Starts feeding `sink` and resolves once the source is synced: everything that exists now has been enqueued and
   * the cache behind it is complete. It feeds on until `signal` aborts, and nothing after that.
   *
   * Rejects when it can't start; an abort before it synced may reject or resolve.
   */
  start(sink: SourceSink, signal: AbortSignal): Promise<void>;
}
