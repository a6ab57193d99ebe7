/**
 * How the consumer of a watch asks it for a progress mark: give it to the watch as `WatchOptions.progress` and call
 * `request` whenever a mark is wanted.
 */
export interface ProgressRequests {
  /**
   * Asks each watch that has been given this for a mark at the store's present revision, once everything up to there
   * is delivered. A request can go unanswered: while the watch catches up, when its stream breaks, when a mark says
   * nothing new, and always on an etcd whose answers can't be trusted (before 3.4.31 and 3.5.13). So ask again, every
   * 100 ms say, for as long as a mark is wanted.
   */
  request(): void;
  /** For stores: calls `listener` at every request until the returned function is called. */
  onRequest(listener: () => void): () => void;
}

export function progressRequests(): ProgressRequests {
  const listeners = new Set<() => void>();
  return {
    request: () => [...listeners].forEach((listener) => listener()),
    onRequest: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
