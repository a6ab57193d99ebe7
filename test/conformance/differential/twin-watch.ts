import { type ErrorCode, isSetpointError } from 'setpoint';
import type { Store, WatchBatch, WatchEvent, WatchRequest } from 'setpoint/store';
import { settle } from 'setpoint/testing';
import { type Watched, watched } from '../../harness/watched.ts';

/** How long a watch may take to deliver what it has to. etcd looks for watches that are behind every 100 ms. */
const PATIENCE_MS = 15_000;

/** One watch on both stores. The model delivers at once, so it says what the real one has to deliver. */
export class TwinWatch {
  readonly request: WatchRequest;
  readonly #memory: Watched;
  readonly #etcd: Watched;
  /** Whether the real store is known to have opened it and to have caught up, so that no compaction can end it any more. */
  #live = false;

  constructor(stores: readonly [Store, Store], request: WatchRequest) {
    this.request = request;
    this.#memory = watched(stores[0], request);
    this.#etcd = watched(stores[1], request);
  }

  /** Waits until both stand, or have been refused, as far as that can be seen. Says with which code. */
  async opened(): Promise<ErrorCode | undefined> {
    await settle();
    if (await hasEnded(this.#memory)) {
      await patiently(this.#etcd.over).catch(() => undefined);
      const error = await this.#memory.over;
      return isSetpointError(error) ? error.code : undefined;
    }
    // Only a watch without a start says that it stands. Of any other, the first event does: until then a write and a
    // compaction may get there before it.
    if (!this.request.startRevision) {
      await patiently(this.#etcd.until(() => this.#etcd.batches.length > 0));
      this.#live = true;
    }
    return undefined;
  }

  /** What the model has delivered. */
  get events(): readonly WatchEvent[] {
    return this.#memory.events;
  }

  /** Waits until the real store has delivered as much as the model. Says whether it is known to be live from here on. */
  async caughtUp(): Promise<boolean> {
    await settle();
    const wanted = this.#memory.events.length;
    await patiently(this.#etcd.until(() => this.#etcd.events.length >= wanted)).catch(() => undefined);
    this.#live ||= wanted > 0;
    return this.#live;
  }

  /** Whether the real one's connection was lost: it says so, which the model never does. */
  get wasInterrupted(): boolean {
    return this.#etcd.connection.some((said) => said.startsWith('Unavailable'));
  }

  /** Ends both and returns what each amounts to, which has to be equal. */
  async outcome(): Promise<{ readonly memory: unknown; readonly etcd: unknown }> {
    await this.caughtUp();
    if (await hasEnded(this.#memory)) await patiently(this.#etcd.over).catch(() => undefined);
    const marked = !this.request.startRevision;
    return { memory: await summary(this.#memory, marked), etcd: await summary(this.#etcd, marked) };
  }
}

async function hasEnded(watch: Watched): Promise<boolean> {
  return Promise.race([watch.over.then(() => true), settle().then(() => false)]);
}

async function summary(watch: Watched, marked: boolean): Promise<unknown> {
  await watch.stop();
  const error = await watch.over;
  return {
    begins: marked ? watch.batches[0]?.revision : undefined,
    events: watch.events,
    broken: brokenPromise(watch.batches),
    outages: watch.connection.filter((said) => said !== 'up'),
    ended: isSetpointError(error) ? { code: error.code, revision: error.details.revision } : error,
  };
}

/** What the batches of a watch do that the port rules out, if anything. */
export function brokenPromise(batches: readonly WatchBatch[]): string | undefined {
  let told = 0n;
  for (const { revision, events } of batches) {
    if (revision < told) return `a batch goes back to ${revision} after ${told}`;
    for (const { kv } of events) {
      if (kv.modRevision <= told) return `an event of ${kv.modRevision} comes after ${told} was told`;
      if (kv.modRevision > revision) return `an event of ${kv.modRevision} comes in the batch up to ${revision}`;
    }
    told = revision;
  }
  return undefined;
}

/** Rejects when `work` takes longer than anybody should wait. */
export async function patiently<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
