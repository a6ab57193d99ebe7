import { type Client, type ClientOptions, createClient } from '../client/index.ts';
import type { Clock } from '../internal/clock.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import type { Random } from '../internal/random.ts';
import { type AnyResourceDefinition, keyPrefix, type ObjectKey } from '../resource/index.ts';
import { type Fence, fenceStore, type Revision, type Store } from '../store/index.ts';
import { RunTransaction } from './run-transaction.ts';

export interface AttemptScopeOptions extends Pick<ClientOptions, 'admission' | 'transformerOf' | 'manager'> {
  readonly store: Store;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  /** What each write has to carry: a leadership, or the slot of the key. */
  readonly fence?: Fence | undefined;
  /** Ends the scope before its time: the attempt timed out, or the manager stops. */
  readonly signal: AbortSignal;
  /** Writes wait for {@link AttemptScope.commit} and are made together. Default false: each is made at once. */
  readonly transactional?: boolean;
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
  #transaction: RunTransaction | undefined;
  /** What a transactional attempt has written so far. */
  readonly #waiting: (readonly [AnyResourceDefinition, ObjectKey])[] = [];
  #over = false;

  constructor(options: AttemptScopeOptions) {
    this.#options = options;
  }

  get client(): Client {
    this.#client ??= this.#makeClient();
    return this.#client;
  }

  /** Whether the attempt's writes are made together, and only if nothing that it saw has changed. */
  get transactional(): boolean {
    return this.#options.transactional ?? false;
  }

  /** Notes what a transactional attempt saw beside what it reads with its client: an object, or, at 0, its absence. */
  guard(definition: AnyResourceDefinition, key: string, modRevision: Revision): void {
    this.#client ??= this.#makeClient();
    this.#transaction?.guard(keyPrefix(definition, this.#options.prefix) + key, modRevision);
  }

  /** Makes the writes of a transactional attempt, all or none. Throws what {@link RunTransaction.commit} does. */
  async commit(): Promise<void> {
    const revision = await this.#transaction?.commit({});
    if (revision === undefined) return;
    for (const [definition, key] of this.#waiting) this.#options.onWrite(definition, key, revision);
  }

  end(): void {
    this.#over = true;
    this.#transaction?.end();
    void this.#handle?.close(); // a fence's own handle: the store stays open
    this.#link?.unlink();
  }

  #makeClient(): Client {
    const { store, prefix, clock, random, signal, onWrite, fence } = this.#options;
    const { admission, transformerOf, manager } = this.#options;
    // The attempt's own signal does where nothing else can end the right to write.
    this.#link = fence?.signal && linkedAbort(signal, fence.signal);
    this.#handle = fenceStore(store, { ...fence, signal: this.#link?.signal ?? signal });
    if (this.#over) this.end();
    const common = { prefix, clock, random, admission, transformerOf, manager };
    if (!this.transactional) return createClient({ ...common, store: this.#handle, onWrite });
    this.#transaction = new RunTransaction(this.#handle);
    if (this.#over) this.end();
    const waits = (definition: AnyResourceDefinition, key: ObjectKey): void =>
      void this.#waiting.push([definition, key]);
    return createClient({ ...common, store: this.#transaction.handle(), onWrite: waits });
  }
}
