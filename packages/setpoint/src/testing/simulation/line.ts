import { SetpointError } from '../../errors/index.ts';
import { type Deferred, deferred } from '../../internal/deferred.ts';
import type { Revision, Store, WatchBatch, WatchOptions, WatchRequest } from '../../store/index.ts';

type Step = IteratorResult<WatchBatch>;

/** Why nothing is delivered at present. */
export interface Hold {
  /** When it ends by itself: as soon as nothing else is under way, at a time, or when a later change has come too. */
  readonly until: 'idle' | 'news' | number;
  /** Changes that were waiting when it began. */
  readonly since: number;
}

/**
 * One watch of one process, between the store and the informer. What the store sends is taken in at once and waits here;
 * the scheduler delivers it batch by batch.
 */
export class Line {
  readonly name: string;
  readonly prefix: string;
  /** Batches that the store has sent and the informer has not been given. */
  readonly waiting: WatchBatch[] = [];
  hold: Hold | undefined;
  /** The next delivery is of everything that waits, as one batch. */
  together = false;
  /** The last batch with changes that was delivered, and the one before. */
  last: WatchBatch | undefined;
  before: WatchBatch | undefined;
  /** The revision up to which everything was delivered. */
  told: Revision;
  readonly #source: AsyncIterator<WatchBatch>;
  readonly #given: WatchBatch[] = [];
  readonly #onConnection: ((error?: unknown) => void) | undefined;
  #asked: Deferred<Step> | undefined;
  #end: { readonly error: unknown } | undefined;

  constructor(
    name: string,
    store: Store,
    request: WatchRequest,
    options: WatchOptions,
    onArrival: (line: Line, batch: WatchBatch) => void,
  ) {
    this.name = name;
    this.prefix = 'prefix' in request ? Buffer.from(request.prefix as Uint8Array).toString() : '';
    this.told = (request.startRevision ?? 1n) - 1n;
    this.#onConnection = options.onConnection;
    const { signal, behindMax, progress } = options;
    this.#source = store
      .watch(request, { ...(behindMax && { behindMax }), ...(progress && { progress }) })
      [Symbol.asyncIterator]();
    this.#pull(onArrival);
    if (signal?.aborted) this.finish();
    else signal?.addEventListener('abort', () => this.finish(), { once: true });
  }

  /** How many changes wait. */
  get changes(): number {
    return this.waiting.filter(({ events }) => events.length > 0).length;
  }

  get over(): boolean {
    return this.#end !== undefined;
  }

  #pull(onArrival: (line: Line, batch: WatchBatch) => void): void {
    this.#source.next().then(
      ({ done, value }) => {
        if (this.#end) return;
        if (done === true) return this.finish();
        this.waiting.push(value);
        onArrival(this, value);
        this.#pull(onArrival);
      },
      (error: unknown) => this.finish(error),
    );
  }

  /** Gives the informer the oldest batch that waits; with `together` all of them as one, without changes as `empty`. */
  deliver(how: { readonly together?: boolean; readonly empty?: boolean } = {}): WatchBatch | undefined {
    const batches = this.waiting.splice(0, how.together ? this.waiting.length : 1);
    const last = batches.at(-1);
    if (!last) return undefined;
    const events = how.empty ? [] : batches.flatMap((batch) => batch.events);
    const batch = { revision: last.revision, events };
    this.told = last.revision;
    this.before = this.last;
    if (events.length > 0) this.last = batch;
    this.#give(batch);
    return batch;
  }

  /** Tells what was told before. */
  repeat(): void {
    if (this.before) this.#give(this.before);
  }

  #give(batch: WatchBatch): void {
    if (this.#asked) this.#asked.resolve({ done: false, value: batch });
    else this.#given.push(batch);
    this.#asked = undefined;
  }

  /** The watch is over: for the informer with `error`, or quietly. */
  finish(error?: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.waiting.length = 0;
    void this.#source.return?.();
    if (error !== undefined) this.#onConnection?.(error);
    const asked = this.#asked;
    if (!asked) return;
    this.#asked = undefined;
    if (error === undefined) asked.resolve({ done: true, value: undefined });
    else asked.reject(error);
    this.#end = { error: undefined };
  }

  /** The connection is gone. */
  cut(): void {
    this.finish(new SetpointError('Unavailable', 'the simulation cut this watch'));
  }

  /** As the informer sees it. */
  iterator(): AsyncIterator<WatchBatch> {
    return {
      next: () => {
        const given = this.#given.shift();
        if (given) return Promise.resolve({ done: false, value: given });
        if (this.#end) {
          const { error } = this.#end;
          this.#end = { error: undefined };
          return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
        }
        this.#asked = deferred<Step>();
        return this.#asked.promise;
      },
      return: () => {
        this.finish();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
