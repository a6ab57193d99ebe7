import type { WatchEvent } from 'setpoint/store';
import type { WatchAnswer } from './protobuf/index.ts';

/**
 * Puts responses together that etcd sent in pieces (`fragment` on all but the last), so that no revision is split. A
 * response may hold a thousand revisions and be far larger than memory should be asked for: what is whole is given on
 * at once, and only the events of the newest revision wait, since the next piece may hold more of them. What waits when
 * a stream breaks is dropped with this object.
 */
export class WatchFragments {
  #waiting: readonly WatchEvent[] = [];

  /**
   * The events that are whole now, in order: undefined while there are none, and empty for a response that carries no
   * events at all, which is a progress mark.
   */
  add(answer: Pick<WatchAnswer, 'events' | 'fragment'>): readonly WatchEvent[] | undefined {
    const events = this.#waiting.length === 0 ? answer.events : [...this.#waiting, ...answer.events];
    const whole = answer.fragment ? startOfLastRevision(events) : events.length;
    this.#waiting = events.slice(whole);
    if (whole === 0 && (answer.fragment || events.length > 0)) return undefined;
    return whole === events.length ? events : events.slice(0, whole);
  }
}

/** Where the events of the newest revision begin. */
function startOfLastRevision(events: readonly WatchEvent[]): number {
  const newest = events.at(-1)?.kv.modRevision;
  let index = events.length;
  while (index > 0 && events[index - 1]!.kv.modRevision === newest) index--;
  return index;
}
