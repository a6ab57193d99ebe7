import { isSetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { sleep } from '../internal/clock.ts';
import { keyText, type KeyValue } from '../store/index.ts';
import { type Entry, entryOf } from './line.ts';
import type { Session } from './session.ts';
import type { ShardMember } from './shard-map.ts';

type Surroundings = Pick<Session, 'store' | 'clock' | 'random'>;

/** Where the line of a slot is. */
export const slotPrefix = (prefix: string, slot: number): string => `${prefix}slots/${slot}/`;

/** What the replicas of one set know of each other: everything below its prefix, as a watch has it. */
export class ShardView {
  readonly #prefix: string;
  readonly #members = new Map<string, Entry>();
  /** Who stands in the line of each slot, by key. */
  readonly #lines = new Map<number, Map<string, Entry>>();
  #present = new Set<string>();
  /** Of {@link ShardView.members}; undefined when those have changed. */
  #roll: readonly ShardMember[] | undefined;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Who is on the roll: the same list until somebody comes or goes. What follows from it costs more than it does. */
  get members(): readonly ShardMember[] {
    this.#roll ??= Array.from(this.#members.values(), ({ key, holder }) => ({ key, identity: holder.identity }));
    return this.#roll;
  }

  /** Who stands in a slot's line, the owner first. */
  lineOf(slot: number): readonly Entry[] {
    const entries = [...(this.#lines.get(slot)?.values() ?? [])];
    return entries.sort((a, b) => (a.createRevision < b.createRevision ? -1 : 1));
  }

  /** Whether a key was there, and counted, when the store was last heard of. */
  has(key: string): boolean {
    return this.#present.has(key);
  }

  /**
   * Follows the store until `signal` aborts, over compactions and failures that pass, and calls `onChange` after each
   * step. Throws when the watch can't go on.
   */
  async follow({ store, clock, random }: Surroundings, signal: AbortSignal, onChange: () => void): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 2000 }, random);
    while (!signal.aborted) {
      try {
        const { kvs, revision } = await store.range({ prefix: this.#prefix }, { signal });
        backoff.reset();
        this.#members.clear();
        this.#roll = undefined;
        this.#lines.clear();
        this.#present.clear();
        for (const kv of kvs) this.#put(kv);
        onChange();
        for await (const { events } of store.watch(
          { prefix: this.#prefix, startRevision: revision + 1n },
          { signal },
        )) {
          for (const { type, kv } of events) {
            if (type === 'put') this.#put(kv);
            else this.#delete(textOf(kv.key));
          }
          if (events.length > 0) onChange();
        }
      } catch (error) {
        if (isSetpointError(error, 'Compacted')) continue;
        if (!isSetpointError(error) || !error.retryable) throw error;
        await sleep(clock, backoff.next(), signal);
      }
    }
  }

  #put(kv: KeyValue): void {
    const key = textOf(kv.key);
    const slot = this.#slotOf(key);
    const entry = entryOf(kv, slot === undefined ? `${this.#prefix}members/` : slotPrefix(this.#prefix, slot));
    // One that a hand took off its lease counts no more than one that is gone: nothing else would ever end it.
    if (!entry) return this.#delete(key);
    this.#present.add(key);
    if (slot === undefined) {
      this.#members.set(key, entry);
      this.#roll = undefined;
    } else {
      const line = this.#lines.get(slot) ?? new Map<string, Entry>();
      this.#lines.set(slot, line.set(key, entry));
    }
  }

  /** The slot that a key is below, if any. */
  #slotOf(key: string): number | undefined {
    if (!key.startsWith(`${this.#prefix}slots/`)) return undefined;
    return Number(key.slice(`${this.#prefix}slots/`.length).split('/')[0]);
  }

  #delete(key: string): void {
    this.#present.delete(key);
    if (this.#members.delete(key)) this.#roll = undefined;
    const slot = this.#slotOf(key);
    if (slot !== undefined) this.#lines.get(slot)?.delete(key);
  }
}

function textOf(key: Uint8Array): string {
  try {
    return keyText(key);
  } catch {
    return '';
  }
}
