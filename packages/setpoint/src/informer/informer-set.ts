import { SetpointError } from '../errors/index.ts';
import { deferred } from '../internal/deferred.ts';
import { createInformer, type Informer } from './informer.ts';
import type { EventHandler, EventHandlerOptions, HandlerRegistration } from './event-handler.ts';
import type { DeepReadonly } from '../resource/index.ts';
import type { InformerOptions } from './informer-options.ts';

/** What all informers of a set have in common. */
export type InformerSetOptions = Pick<
  InformerOptions<unknown>,
  'store' | 'clock' | 'random' | 'logger' | 'metrics' | 'freeze' | 'audit' | 'massDelete' | 'pageSize'
>;

/** What to share: a prefix and how it is read. */
export type SharedInformerOptions<T> = Pick<InformerOptions<T>, 'prefix' | 'codec' | 'indexes'> & {
  /** Default: the prefix. */
  readonly name?: string;
};

/** A share in a running informer. */
export interface InformerShare<T> {
  readonly informer: Informer<T>;
  /** As `informer.addEventHandler`; the handler goes with the share. */
  addEventHandler(handler: EventHandler<T>, options?: EventHandlerOptions<T>): HandlerRegistration;
  /**
   * Gives the share back: its handlers are called no more. The last share takes the informer with it; resolves when
   * that has stopped. Giving back again does nothing.
   */
  release(): Promise<void>;
}

interface Shared {
  readonly informer: Informer<unknown>;
  readonly codec: unknown;
  readonly life: AbortController;
  readonly stopped: Promise<void>;
  shares: number;
}

/** Informers on one store that run while somebody has a share in them. */
export function createInformerSet(options: InformerSetOptions): InformerSet {
  return new InformerSet(options);
}

/**
 * One informer for each prefix, however many ask for it: started for the first share, also while the set runs, stopped
 * with the last. A prefix that is asked for again later is listed anew.
 */
export class InformerSet {
  readonly #options: InformerSetOptions;
  readonly #shared = new Map<string, Shared>();
  #closed = false;
  readonly #broken = deferred<never>();

  constructor(options: InformerSetOptions) {
    this.#options = options;
    this.#broken.promise.catch(() => {});
  }

  /** How many informers run. */
  get size(): number {
    return this.#shared.size;
  }

  /**
   * A share in the informer of a prefix, which is started if need be. Indexes that it lacks are added. Throws `Invalid`
   * when the informer reads with another codec, `AlreadyExists` when it has another index of the same name, `Closed`.
   */
  acquire<T>(options: SharedInformerOptions<T>): InformerShare<DeepReadonly<T>> {
    if (this.#closed) throw new SetpointError('Closed', 'the set of informers was closed: create another one');
    const prefix = options.prefix.endsWith('/') ? options.prefix : `${options.prefix}/`;
    const known = this.#shared.get(prefix);
    if (known && known.codec !== options.codec) {
      throw new SetpointError(
        'Invalid',
        `informer of ${prefix}: expected the codec that it runs with, received another`,
      );
    }
    const shared = known ?? this.#start(prefix, options);
    if (known) this.#addIndexes(known, options);
    shared.shares++;
    return this.#share<DeepReadonly<T>>(prefix, shared);
  }

  /** Runs until `signal` aborts, and stops every informer then. Rejects when one of them breaks. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = deferred();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.race([aborted.promise, this.#broken.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.close();
    }
  }

  /** Stops every informer, whoever has shares. Closing twice does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#shared, ([prefix, shared]) => this.#stop(prefix, shared)));
  }

  #start<T>(prefix: string, options: SharedInformerOptions<T>): Shared {
    const life = new AbortController();
    const informer = createInformer<T>({ ...this.#options, ...options, prefix }) as unknown as Informer<unknown>;
    const stopped = informer.run(life.signal).catch((error: unknown) => {
      this.#shared.delete(prefix);
      this.#broken.reject(error);
    });
    const shared = { informer, codec: options.codec, life, stopped, shares: 0 };
    this.#shared.set(prefix, shared);
    return shared;
  }

  #addIndexes<T>({ informer }: Shared, { indexes = {} }: SharedInformerOptions<T>): void {
    for (const [name, values] of Object.entries(indexes))
      (informer as Informer<DeepReadonly<T>>).ensureIndex(name, values);
  }

  #share<T>(prefix: string, shared: Shared): InformerShare<T> {
    const informer = shared.informer as Informer<T>;
    const registrations = new Set<HandlerRegistration>();
    let released: Promise<void> | undefined;
    return {
      informer,
      addEventHandler(handler, options) {
        if (released) throw new SetpointError('Closed', `the share in ${informer.name} was released: acquire another`);
        const registration = informer.addEventHandler(handler, options);
        registrations.add(registration);
        return withRemove(registration, () => {
          registrations.delete(registration);
          registration.remove();
        });
      },
      release: () => (released ??= this.#release(prefix, shared, registrations)),
    };
  }

  async #release(prefix: string, shared: Shared, registrations: Iterable<HandlerRegistration>): Promise<void> {
    for (const registration of registrations) registration.remove();
    if (--shared.shares === 0) await this.#stop(prefix, shared);
  }

  async #stop(prefix: string, shared: Shared): Promise<void> {
    if (this.#shared.get(prefix) === shared) this.#shared.delete(prefix);
    shared.life.abort();
    await shared.stopped;
  }
}

/** The registration with another `remove`. */
function withRemove(registration: HandlerRegistration, remove: () => void): HandlerRegistration {
  return {
    name: registration.name,
    get hasSynced() {
      return registration.hasSynced;
    },
    get pending() {
      return registration.pending;
    },
    whenSynced: (signal, options) => registration.whenSynced(signal, options),
    remove,
  };
}
