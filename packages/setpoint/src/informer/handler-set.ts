import { SetpointError } from '../errors/index.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { CacheChange } from './change.ts';
import type { EventHandler, EventHandlerOptions, HandlerRegistration } from './event-handler.ts';
import { HandlerQueue } from './handler-queue.ts';
import type { Entry } from './lister.ts';
import { checkResync, resyncForEver, type ResyncSurroundings } from './resync.ts';

/** A failure of a handler or of its filter. */
export type HandlerErrorListener = (
  error: unknown,
  where: { readonly during: 'handler' | 'filter'; readonly handler: string; readonly key: string },
) => void;

export interface HandlerSetOptions<T> extends ResyncSurroundings<T> {
  /** Must not throw. */
  readonly onError: HandlerErrorListener;
}

/** The handlers of one informer, each with its own queue. */
export class HandlerSet<T> {
  readonly #options: HandlerSetOptions<T>;
  readonly #queues = new Set<HandlerQueue<T>>();
  #added = 0;
  #closed: string | undefined;
  /** Aborted by {@link close}. */
  readonly #life = new AbortController();
  #held = false;
  /** Rests within {@link HandlerSet.tell}: the cache is ahead of what some handlers know. */
  #telling = false;

  constructor(options: HandlerSetOptions<T>) {
    this.#options = options;
  }

  /**
   * Adds a handler that starts from `entries`, what the cache holds now. `listed` says that this is a whole list;
   * otherwise the handler's initial list ends with the next {@link endOfList}. Throws `Closed` after {@link close}.
   */
  add(
    handler: EventHandler<T>,
    entries: Iterable<Entry<T>>,
    listed: boolean,
    options: EventHandlerOptions<T> = {},
  ): HandlerRegistration {
    if (this.#closed !== undefined) throw new SetpointError('Closed', `can't add a handler: ${this.#closed}`);
    if (options.resyncMs !== undefined) checkResync(options.resyncMs);
    const name = options.name ?? `handler-${++this.#added}`;
    const { clock, slice, onError } = this.#options;
    const queue = new HandlerQueue<T>(handler, {
      ...options,
      name,
      clock,
      slice,
      onError: (error, during, key) => onError(error, { during, handler: name, key }),
    });
    this.#queues.add(queue);
    if (this.#held) queue.hold();
    queue.replay(Array.from(entries));
    if (listed) queue.endOfInitialList();
    return this.#registration(queue, options.resyncMs);
  }

  /** Starts no call of any handler until {@link release}. What comes meanwhile adds up by key. */
  hold(): void {
    this.#held = true;
    for (const queue of this.#queues) queue.hold();
  }

  release(): void {
    this.#held = false;
    for (const queue of this.#queues) queue.release();
  }

  get held(): boolean {
    return this.#held;
  }

  /** How many keys have changes that a handler was not told yet, summed over the handlers. */
  get pending(): number {
    let pending = 0;
    for (const queue of this.#queues) pending += queue.pending;
    return pending;
  }

  /**
   * Tells everyone who is here now, change by change. Resolves when all were told or have it in their queue; with
   * `endsList` the initial list of each ends there. A handler that joins meanwhile starts from the cache, which is
   * ahead of these changes.
   */
  async tell(changes: readonly CacheChange<T>[], endsList: boolean, signal: AbortSignal): Promise<void> {
    const queues = [...this.#queues];
    for (const change of changes) {
      for (const queue of queues) queue.push(change);
      if (!this.#options.slice.due()) continue;
      this.#telling = true;
      await this.#options.slice.rest();
      this.#telling = false;
      if (signal.aborted) return;
    }
    if (endsList) for (const queue of queues) queue.endOfInitialList();
  }

  /** No call of any handler starts after this. `reason` completes "can't add a handler: …". */
  close(reason: string): void {
    this.#closed ??= reason;
    this.#life.abort();
    for (const queue of this.#queues) queue.close(reason);
    this.#queues.clear();
  }

  #registration(queue: HandlerQueue<T>, resyncMs: number | undefined): HandlerRegistration {
    const life = resyncMs === undefined ? undefined : linkedAbort(this.#life.signal);
    const surroundings = { ...this.#options, isTelling: () => this.#telling };
    if (life) void resyncForEver(queue, resyncMs!, surroundings, life.signal).finally(() => life.unlink());
    return {
      name: queue.name,
      get hasSynced() {
        return queue.hasSynced;
      },
      get pending() {
        return queue.pending;
      },
      whenSynced: (signal, options) => queue.whenSynced(signal, options),
      remove: () => {
        this.#queues.delete(queue);
        life?.abort(undefined);
        queue.close('was removed');
      },
    };
  }
}
