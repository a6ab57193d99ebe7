import { LruMap } from '../internal/lru-map.ts';

/** One thing that happened, as far as correlating it takes. */
export interface Occurrence {
  /** Who says so about which object: what a flood is limited by. */
  readonly source: string;
  /** Everything but the message: what similar events have in common. */
  readonly group: string;
  readonly message: string;
}

/** What becomes of an occurrence: dropped, or counted as this one. Equal ids are one event. */
export type Correlated = { readonly drop: 'spam' } | { readonly id: string; readonly message: string };

/** All of client-go's defaults. */
export const CACHE_MAX = 4096;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_MS = 600_000;
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;

interface Group {
  readonly messages: Set<string>;
  lastAt: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/**
 * Tells which occurrences are the same event. From the tenth different message of a group within ten minutes on, all
 * of the group's are one: a message with a changing part must not make an event each time. Of one source and object 25
 * come through at once, then one every five minutes.
 */
export class Correlation {
  readonly #groups = new LruMap<string, Group>(CACHE_MAX);
  readonly #buckets = new LruMap<string, Bucket>(CACHE_MAX);

  correlate({ source, group, message }: Occurrence, now: number): Correlated {
    const combined = this.#isCombined(group, message, now);
    if (!this.#takeToken(source, now)) return { drop: 'spam' };
    if (!combined) return { id: JSON.stringify([group, message]), message };
    return { id: JSON.stringify([group]), message: `(combined from similar events): ${message}` };
  }

  #isCombined(name: string, message: string, now: number): boolean {
    let group = this.#groups.get(name);
    if (!group || now - group.lastAt > SIMILAR_WINDOW_MS) group = { messages: new Set(), lastAt: now };
    group.lastAt = now;
    if (group.messages.size < SIMILAR_MAX) group.messages.add(message);
    this.#groups.set(name, group);
    return group.messages.size >= SIMILAR_MAX;
  }

  #takeToken(source: string, now: number): boolean {
    const bucket = this.#buckets.get(source) ?? { tokens: SPAM_BURST, filledAt: now };
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (now - bucket.filledAt) / SPAM_REFILL_MS);
    bucket.filledAt = now;
    const taken = bucket.tokens >= 1;
    if (taken) bucket.tokens--;
    this.#buckets.set(source, bucket);
    return taken;
  }
}
