import { isSetpointError, SetpointError } from '../errors/index.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { type Fence, fenceStore, type Revision, type Store } from '../store/index.ts';
import type { FencingToken } from './fencing-token.ts';
import type { Incarnation, KeyWatch } from './key-watch.ts';
import type { Holder } from './line.ts';
import type { Session } from './session.ts';

/** How long a release tries to reach the store before it leaves the key to the session. */
const RELEASE_TIMEOUT_MS = 2000;

export interface OwnershipOptions {
  /** What is owned, for messages: "lock 'reports'". */
  readonly what: string;
  readonly session: Session;
  readonly key: Incarnation;
  readonly token: FencingToken;
  readonly heldSince: Revision;
  /** What the key says of its owner. */
  readonly holder: Holder;
  /** Sees the key go; absent where somebody else does and calls `lose`. */
  readonly watch?: KeyWatch;
}

/**
 * Being first in a line: a lock, a leadership, a shard. It is one incarnation of one key, and ends once and for all.
 *
 * What makes it safe is not that it is told in time when it ends, but that its writes carry the question: the store
 * carries out a write through {@link Ownership.store} only while the key is there and on its lease, which is decided at
 * the same revision as the write. `signal` and `held` spare the owner work that would be refused.
 */
export class Ownership {
  /** Names it in messages. */
  readonly what: string;
  /** For systems outside the store, which can't be part of its transactions. */
  readonly token: FencingToken;
  readonly key: string;
  readonly createRevision: Revision;
  /** When it was first seen to own. Whatever an earlier owner wrote came before: caches must have come this far. */
  readonly heldSince: Revision;
  /** What the key said of its owner when it came to own. */
  readonly holder: Holder;
  readonly session: Session;
  /** What every write of the owner has to carry. */
  readonly fence: Fence;
  /** The session's store, with writes that count only while this is held, and fail with `LockLost` otherwise. */
  readonly store: Store;
  readonly #life = linkedAbort();
  readonly #watch: KeyWatch | undefined;
  readonly #unfollow: () => void;

  constructor({ what, session, key, token, heldSince, holder, watch }: OwnershipOptions) {
    this.what = what;
    this.session = session;
    this.key = key.key;
    this.createRevision = key.createRevision;
    this.token = token;
    this.heldSince = heldSince;
    this.holder = holder;
    this.#watch = watch;
    this.fence = {
      // By its lease too: one that a hand took off its lease no longer counts in the line, and another may be first.
      compares: [
        { key: this.key, target: 'create', operator: '=', operand: this.createRevision },
        { key: this.key, target: 'lease', operator: '=', operand: key.lease },
      ],
      signal: this.signal,
      check: () => void this.held,
      onRefused: () =>
        this.lose(new SetpointError('Conflict', `its key ${this.key} was deleted or taken off its lease`)),
    };
    this.store = fenceStore(session.store, this.fence);
    this.#unfollow = this.#followSession();
    watch?.gone.then(
      () => this.lose(new SetpointError('NotFound', `its key ${this.key} was deleted or taken off its lease`)),
      (error: unknown) => this.lose(error),
    );
  }

  /** Aborts when it is over: with `LockLost` when it was lost, with `Closed` when it was released. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** Whether it still holds, as far as can be known without asking the store. */
  get held(): boolean {
    return this.session.alive && !this.signal.aborted;
  }

  /** Throws `LockLost` when it was lost, `Closed` when it was released. */
  assertHeld(): void {
    if (this.held) return;
    const { reason } = this.signal as { reason: SetpointError };
    throw new SetpointError(reason.code, `${this.what} is not held any more`, { cause: reason });
  }

  /** Declares it lost, for a reason that somebody found out. What is left of the key is taken away. */
  lose(cause: unknown): void {
    if (this.signal.aborted) return;
    // With its session everything is lost at once, and the session has said so.
    const level = isSetpointError(cause, 'SessionExpired') ? 'debug' : 'warn';
    this.session.logger[level]({ err: cause, key: this.key }, `${this.what} is lost`);
    this.#end(new SetpointError('LockLost', `${this.what} is lost: another may own it now`, { cause }));
    void leaveLine(this.session, this);
  }

  /**
   * Gives it up, so that the next in line has it at once. Deletes this incarnation of the key and no other; when the
   * store does not answer, the key goes with the session. Never fails; again does nothing.
   */
  async release(): Promise<void> {
    if (this.signal.aborted) return;
    this.#end(new SetpointError('Closed', `${this.what} was released`));
    await leaveLine(this.session, this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #followSession(): () => void {
    const { signal } = this.session;
    const ended = (): void => {
      const { reason } = signal as { reason: unknown };
      if (!isSetpointError(reason, 'Closed')) return this.lose(reason);
      this.#end(new SetpointError('Closed', `${this.what} ended with its session`, { cause: reason }));
    };
    if (signal.aborted) ended();
    signal.addEventListener('abort', ended, { once: true });
    return () => signal.removeEventListener('abort', ended);
  }

  #end(reason: SetpointError): void {
    this.#life.abort(reason);
    this.#unfollow?.();
    this.#watch?.stop();
  }
}

/** Takes one incarnation of a key away, now if the store answers, else later by its session. Never fails. */
export async function leaveLine(
  session: Session,
  { key, createRevision }: Pick<Incarnation, 'key' | 'createRevision'>,
): Promise<void> {
  if (!session.alive) return;
  try {
    await session.store.txn(
      {
        compares: [{ key, target: 'create', operator: '=', operand: createRevision }],
        then: [{ delete: { key } }],
      },
      { alone: true, timeoutMs: RELEASE_TIMEOUT_MS, signal: session.signal },
    );
  } catch (error) {
    session.logger.info({ err: error, key }, 'a release was not confirmed; the key goes later');
    session.disown(key, { made: true });
  }
}
