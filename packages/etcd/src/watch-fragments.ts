import type { IEvent, IWatchResponse } from 'etcd3';

/**
 * Puts a response together that etcd sent in pieces (`fragment` on all but the last): only then does it hold whole
 * revisions. What was collected when a stream breaks is dropped with this object.
 */
export class WatchFragments {
  #events: IEvent[] = [];

  /** The events of the response that this message completes, or undefined while more is to come. */
  add(response: IWatchResponse): readonly IEvent[] | undefined {
    if (this.#events.length === 0 && !response.fragment) return response.events;
    // Not spread into push: a fragment may hold more events than a call takes arguments.
    for (const event of response.events) this.#events.push(event);
    if (response.fragment) return undefined;
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
