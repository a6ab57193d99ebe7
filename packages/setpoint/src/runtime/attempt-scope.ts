import { type Client, createClient } from '../client/index.ts';
import type { Clock } from '../internal/clock.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import type { Random } from '../internal/random.ts';
import type { AnyResourceDefinition, ObjectKey } from '../resource/index.ts';
import { type Fence, fenceStore, type Revision, type Store } from '../store/index.ts';

export interface AttemptScopeOptions {
  readonly store: Store;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  /** What each write has to carry: a leadership, or the slot of the key. */
  readonly fence?: Fence | undefined;
  /** Ends the scope before its time: the attempt timed out, or the manager stops. */
  readonly signal: AbortSignal;
  /** Told of each write that was applied: the kind, the object's key, and the revision. */
  readonly onWrite: (definition: AnyResourceDefinition, key: ObjectKey, revision: Revision) => void;
}

/**
 * What one attempt may do to the store, and how long: its client works until the scope ends or its signal aborts, and
 * refuses every call from then on, also those of code that the reconcile left behind without awaiting it.
 *
 * The client is made when it is first asked for: most attempts find nothing to do, and need none.
 */
export class AttemptScope {
  readonly #options: AttemptScopeOptions;
  #link: LinkedAbort | undefined;
  #handle: Store | undefined;
  #client: Client | undefined;
  #over = false;

  constructor(options: AttemptScopeOptions) {
    this.#options = options;
  }

  get client(): Client {
    this.#client ??= this.#makeClient();
    return this.#client;
  }

  end(): void {
    this.#over = true;
    void this.#handle?.close(); // a fence's own handle: the store stays open
    this.#link?.unlink();
  }

  #makeClient(): Client {
    const { store, prefix, clock, random, signal, onWrite, fence } = this.#options;
    // The attempt's own signal does where nothing else can end the right to write.
    this.#link = fence?.signal && linkedAbort(signal, fence.signal);
    this.#handle = fenceStore(store, { ...fence, signal: this.#link?.signal ?? signal });
    if (this.#over) this.end();
    return createClient({
      store: this.#handle,
      prefix,
      clock,
      random,
      onWrite,
    });
  }
}
