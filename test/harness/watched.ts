import type { Store, WatchBatch, WatchEvent, WatchOptions, WatchRequest } from 'setpoint/store';

/** A running watch with all that it delivered and all that it said of its connection. */
export interface Watched {
  readonly batches: readonly WatchBatch[];
  readonly events: readonly WatchEvent[];
  /** What `onConnection` was told: 'up', or the error's message. */
  readonly connection: readonly string[];
  /** How the iteration ended: undefined when it completed, the error when it failed. */
  readonly over: Promise<unknown>;
  /** Resolves when the condition holds, looked at after whatever happens; rejects when the watch is over first. */
  until(condition: () => boolean, what?: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts to watch. A test that ends must `stop` it. */
export function watched(store: Store, request: WatchRequest, options: WatchOptions = {}): Watched {
  const abort = new AbortController();
  const batches: WatchBatch[] = [];
  const events: WatchEvent[] = [];
  const connection: string[] = [];
  const waiting = new Set<() => void>();
  const look = (): void => [...waiting].forEach((check) => check());
  let ended = false;
  const onConnection = (error?: unknown): void => {
    connection.push(error === undefined ? 'up' : (error as Error).message);
    look();
  };
  const run = async (): Promise<unknown> => {
    try {
      for await (const batch of store.watch(request, { ...options, signal: abort.signal, onConnection })) {
        batches.push(batch);
        for (const event of batch.events) events.push(event);
        look();
      }
      return undefined;
    } catch (error) {
      return error;
    } finally {
      ended = true;
      look();
    }
  };
  const over = run();
  const until = (condition: () => boolean, what = 'what the test waits for'): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (condition()) resolve();
        else if (ended)
          void over.then((error) => reject(new Error(`the watch ended before ${what}`, { cause: error })));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });
  const stop = async (): Promise<void> => {
    abort.abort();
    await over;
  };
  return { batches, events, connection, over, until, stop };
}
