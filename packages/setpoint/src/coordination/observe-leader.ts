import { isSetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { keyText, type Revision, type Store } from '../store/index.ts';
import { electionLine } from './election.ts';
import { type Entry, entryOf, type Holder, readLine } from './line.ts';

/** Who leads. */
export interface Leader extends Holder {
  /** Tells one leadership from the next, also of the same candidate. */
  readonly createRevision: Revision;
}

export interface ObserveLeaderOptions {
  readonly signal?: AbortSignal;
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Yields who leads, now and after every change, and undefined while nobody does, until `signal` aborts. What is yielded
 * was true in this order; leaders that were gone again before the consumer asked are left out, and the newest never is.
 * Broken connections and compactions are waited out; it ends with the error when the store is closed, its history was
 * reset, or reading is forbidden.
 */
export async function* observeLeader(
  store: Pick<Store, 'range' | 'watch'>,
  name: string,
  options: ObserveLeaderOptions = {},
): AsyncGenerator<Leader | undefined> {
  const { signal = new AbortController().signal, clock = systemClock, random = systemRandom } = options;
  const { prefix } = electionLine(name, options.prefix);
  const backoff = new Backoff({ baseMs: 100, maxMs: 5000 }, random);
  let told: Leader | undefined | null = null;
  while (!signal.aborted) {
    try {
      for await (const leader of followed(store, prefix, signal)) {
        backoff.reset();
        if (told !== null && sameLeader(told, leader)) continue;
        told = leader;
        yield leader;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isSetpointError(error) || !(error.retryable || error.code === 'Compacted')) throw error;
      await sleep(clock, backoff.next(), signal);
    }
  }
}

async function* followed(
  store: Pick<Store, 'range' | 'watch'>,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<Leader | undefined> {
  const read = await store.range({ prefix }, { signal });
  const entries = new Map(readLine(read.kvs, prefix).entries.map((entry) => [entry.key, entry]));
  yield firstOf(entries);
  for await (const { events } of store.watch({ prefix, startRevision: read.revision + 1n }, { signal })) {
    for (const { type, kv } of events) {
      const entry = type === 'put' ? entryOf(kv, prefix) : undefined;
      if (entry) entries.set(entry.key, entry);
      else entries.delete(safeText(kv.key));
    }
    if (events.length > 0) yield firstOf(entries);
  }
}

function firstOf(entries: ReadonlyMap<string, Entry>): Leader | undefined {
  let first: Entry | undefined;
  for (const entry of entries.values()) if (!first || entry.createRevision < first.createRevision) first = entry;
  return first && { ...first.holder, createRevision: first.createRevision };
}

function sameLeader(a: Leader | undefined, b: Leader | undefined): boolean {
  return a?.createRevision === b?.createRevision && a?.value === b?.value;
}

/** A foreign key need not be text. */
function safeText(key: Uint8Array): string {
  try {
    return keyText(key);
  } catch {
    return '';
  }
}
