import { type Client, type ClientMaker } from '../client/index.ts';
import { type AnyResourceDefinition, keyPrefix, type ObjectKey } from '../resource/index.ts';
import { type Fence, fenceStore, operationsLeft, type Revision, type Store } from '../store/index.ts';
import { RunTransaction } from './run-transaction.ts';

/** What all attempts of one controller have in common. */
export interface AttemptScopeOptions {
  /** The controller's. */
  readonly name: string;
  readonly store: Store;
  readonly prefix: string;
  /** Makes the client of an attempt over the handle to the store that ends with it. */
  readonly clientOver: ClientMaker;
  /** Writes wait for {@link AttemptScope.commit} and are made together. Default false: each is made at once. */
  readonly transactional?: boolean;
}

/** One of them. */
export interface ScopedAttempt {
  readonly key: string;
  /** Its signal ends the scope before its time: the attempt timed out, lost its right, or the manager stops. */
  readonly attempt: { readonly signal: AbortSignal };
  /** What each write has to carry: a leadership, or the slot of the key. The attempt's signal aborts with its own. */
  readonly fence: Fence | undefined;
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
  readonly #attempt: ScopedAttempt;
  #handle: Store | undefined;
  #client: Client | undefined;
  #transaction: RunTransaction | undefined;
  /** What a transactional attempt has written so far. */
  #waiting: (readonly [AnyResourceDefinition, ObjectKey])[] | undefined;
  #over = false;

  constructor(options: AttemptScopeOptions, attempt: ScopedAttempt) {
    this.#options = options;
    this.#attempt = attempt;
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
    for (const [definition, key] of this.#waiting ?? []) this.#attempt.onWrite(definition, key, revision);
  }

  end(): void {
    this.#over = true;
    this.#transaction?.end();
    void this.#handle?.close(); // a fence's own handle: the store stays open
  }

  #makeClient(): Client {
    const { name, store, clientOver } = this.#options;
    const { key, fence, attempt, onWrite } = this.#attempt;
    const holder = `an attempt of controller '${name}' at ${key}`;
    this.#handle = fenceStore(store, { ...fence, signal: attempt.signal, holder });
    if (this.#over) this.end();
    if (!this.transactional) return clientOver(this.#handle, onWrite);
    this.#transaction = new RunTransaction(this.#handle, operationsLeft(fence ?? {}));
    if (this.#over) this.end();
    const waiting = (this.#waiting ??= []);
    return clientOver(this.#transaction.handle(), (definition, key) => void waiting.push([definition, key]));
  }
}
