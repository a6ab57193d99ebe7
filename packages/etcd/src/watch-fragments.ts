import type { IEvent, IWatchResponse } from 'etcd3';

/**
 * Puts responses together that etcd sent in pieces (`fragment` on all but the last), so that no revision is split. A
 * response may hold a thousand revisions and be far larger than memory should be asked for: what is whole is given on
 * at once, and only the events of the newest revision wait, since the next piece may hold more of them. What waits when
 * a stream breaks is dropped with this object.
 */
export class WatchFragments {
  #waiting: readonly IEvent[] = [];

  /**
   * The events that are whole now, in order: undefined while there are none, and empty for a response that carries no
   * events at all, which is a progress mark.
   */
  add(response: IWatchResponse): readonly IEvent[] | undefined {
    const events = this.#waiting.length === 0 ? response.events : [...this.#waiting, ...response.events];
    const whole = response.fragment ? startOfLastRevision(events) : events.length;
    this.#waiting = events.slice(whole);
    if (whole === 0 && (response.fragment || events.length > 0)) return undefined;
    return whole === events.length ? events : events.slice(0, whole);
  }
}

/** Where the events of the newest revision begin. */
function startOfLastRevision(events: readonly IEvent[]): number {
  const newest = events.at(-1)?.kv.mod_revision;
  let index = events.length;
  while (index > 0 && events[index - 1]!.kv.mod_revision === newest) index--;
  return index;
}
