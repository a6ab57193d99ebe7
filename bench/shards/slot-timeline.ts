import type { Store } from 'setpoint/store';
import { keyText } from 'setpoint/store';
import { SLOTS_PREFIX } from './job.ts';

interface Standing {
  readonly identity: string;
  readonly createRevision: bigint;
  readonly from: number;
  to: number;
}

/** Who stood in the line of which slot, and when, as a watch is told of it: within some milliseconds. */
export class SlotTimeline {
  readonly #slots = new Map<number, Map<string, Standing>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async follow(store: Store, startRevision: bigint, signal: AbortSignal): Promise<void> {
    for await (const { events } of store.watch({ prefix: SLOTS_PREFIX, startRevision }, { signal })) {
      for (const { type, kv } of events) {
        const key = keyText(kv.key);
        const slot = Number(key.slice(SLOTS_PREFIX.length).split('/')[0]);
        const line = this.#slots.get(slot) ?? new Map<string, Standing>();
        this.#slots.set(slot, line);
        if (type === 'delete') {
          const standing = line.get(key);
          if (standing) standing.to = this.#now();
        } else {
          const { identity } = JSON.parse(new TextDecoder().decode(kv.value)) as { readonly identity: string };
          line.set(key, { identity, createRevision: kv.createRevision, from: this.#now(), to: Infinity });
        }
      }
    }
  }

  /** Whether somebody was the first in its line at any moment of a time: from the first on, or when others had left. */
  wasOwnedBy(slot: number, identity: string, from: number, to: number): boolean {
    const changes = Array.from(this.#slots.get(slot)?.values() ?? [], (standing) => [standing.from, standing.to]);
    const moments = [from, ...changes.flat().filter((at) => at > from && at < to)];
    return moments.some((at) => this.ownerOf(slot, at) === identity);
  }

  /** Whose slot it was at a moment: the first in its line. */
  ownerOf(slot: number, at: number): string | undefined {
    let first: Standing | undefined;
    for (const standing of this.#slots.get(slot)?.values() ?? []) {
      if (standing.from > at || standing.to <= at) continue;
      if (!first || standing.createRevision < first.createRevision) first = standing;
    }
    return first?.identity;
  }
}
