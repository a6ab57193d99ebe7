import { SetpointError } from '../errors/index.ts';
import { abortable } from '../internal/abortable.ts';
import { checkOptionNames } from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import { Candidate, type Line } from './candidate.ts';
import { Claims } from './claims.ts';
import { checkCoordinationName, checkCoordinationPrefix, DEFAULT_COORDINATION_PREFIX } from './coordination-name.ts';
import type { FencingToken } from './fencing-token.ts';
import type { Holder } from './line.ts';
import { Ownership } from './ownership.ts';
import { type Patience, patiently } from './patience.ts';
import { checkIsSession, type Session } from './session.ts';

export interface LockOptions extends Patience {
  /** Where the lock's keys are: `<prefix>/locks/<name>/`. Default `/setpoint`. */
  readonly prefix?: string;
  /** Told to those who find the lock taken. */
  readonly value?: string;
}

/** What {@link tryLock} found: the lock, or who has it. */
export type TryLockResult =
  | { readonly lock: HeldLock; readonly holder?: undefined }
  | { readonly lock?: undefined; readonly holder: Holder };

/** What all handles of one session to one lock share. */
interface Claim {
  /** Settles when the first of them has it, or does not get it. */
  readonly pending: Promise<Ownership | Holder>;
  owned?: Ownership;
  handles: number;
}

const claims = new Claims<Claim>();

/**
 * Waits until the session owns the lock; who came first gets it first. A session that holds it already gets another
 * handle to the same key, and the lock is free when the last handle is released.
 *
 * Fails with `Timeout` or `Aborted` as the options say, having left the line; with `SessionExpired` when the session is
 * lost meanwhile; with `Invalid` for a name that is no key. A lost connection to the store is waited out.
 *
 * ```ts
 * await using held = await lock(session, 'reports', { timeoutMs: 10_000 });
 * await held.store.put({ key: '/reports/today', value }); // LockLost, and nothing written, if it is no longer ours
 * ```
 */
export async function lock(session: Session, name: string, options: LockOptions = {}): Promise<HeldLock> {
  const line = lockLine('lock', session, name, options);
  return patiently(line.what, session, options, async (signal) => {
    for (;;) {
      const claim = claims.find(session, line.prefix);
      const held = claim
        ? await joined(session, line, claim, signal)
        : await claimed(session, line, new Candidate(session, line, options).acquire(signal));
      if (held instanceof HeldLock) return held;
    }
  });
}

/**
 * Takes the lock if it is free now, and otherwise says who has it, having left no key behind. It waits for no other
 * holder, only for the store, and for that no longer than the options say.
 */
export async function tryLock(session: Session, name: string, options: LockOptions = {}): Promise<TryLockResult> {
  const line = lockLine('tryLock', session, name, options);
  return patiently(line.what, session, options, async (signal) => {
    const claim = claims.find(session, line.prefix);
    const candidate = new Candidate(session, line, options);
    if (claim?.owned?.held) return { lock: handle(session, line, claim, claim.owned) };
    // This session is in line already, waiting: to wait with it would not be trying.
    const result = claim ? await candidate.first(signal) : await claimed(session, line, attempt(candidate, signal));
    return result instanceof HeldLock ? { lock: result } : { holder: result ?? NOBODY };
  });
}

/** A lock that is held, until it is released or lost. Works with `await using` where the runtime has that. */
export class HeldLock {
  readonly name: string;
  readonly #ownership: Ownership;
  readonly #release: () => Promise<void>;
  #released = false;

  constructor(ownership: Ownership, release: () => Promise<void>) {
    this.name = ownership.what;
    this.#ownership = ownership;
    this.#release = release;
  }

  /** Writes through it count only while the lock is held; afterwards they fail with `LockLost`. */
  get store(): Store {
    return this.#ownership.store;
  }

  /** Grows with each owner of this lock: for systems outside the store. */
  get token(): FencingToken {
    return this.#ownership.token;
  }

  /** Aborts when it is over: with `LockLost`, or `Closed` when the last handle was released. */
  get signal(): AbortSignal {
    return this.#ownership.signal;
  }

  /** As far as can be known without asking the store. */
  get held(): boolean {
    return !this.#released && this.#ownership.held;
  }

  /** The key that is the lock. */
  get key(): string {
    return this.#ownership.key;
  }

  /** Throws `LockLost` or `Closed` when it is not held. */
  assertHeld(): void {
    if (this.#released) throw new SetpointError('Closed', `this handle to ${this.name} was released`);
    this.#ownership.assertHeld();
  }

  /** Gives this handle up; with the last one the lock is free. Never fails; again does nothing. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

const OPTIONS: readonly string[] = ['signal', 'timeoutMs', 'prefix', 'value'] satisfies (keyof LockOptions)[];

function lockLine(call: string, session: Session, name: string, options: LockOptions): Line {
  checkIsSession(call, session);
  checkOptionNames(call, options, OPTIONS);
  const { prefix = DEFAULT_COORDINATION_PREFIX } = options;
  const root = checkCoordinationPrefix('lock', prefix);
  return { what: `lock '${name}'`, prefix: `${root}/locks/${checkCoordinationName('lock', name)}/`, root };
}

async function attempt(candidate: Candidate, signal: AbortSignal): Promise<Ownership | Holder> {
  const result = await candidate.tryAcquire(signal);
  return result instanceof Ownership ? result : result.holder;
}

/** The first handle of a session, when `acquiring` gets it. */
async function claimed(
  session: Session,
  line: Line,
  acquiring: Promise<Ownership | Holder>,
): Promise<HeldLock | Holder> {
  const claim: Claim = { pending: acquiring, handles: 0 };
  claims.add(session, line.prefix, claim);
  const forget = (): void => claims.remove(session, line.prefix, claim);
  try {
    const result = await acquiring;
    if (!(result instanceof Ownership)) {
      forget();
      return result;
    }
    claim.owned = result;
    if (result.signal.aborted) forget();
    else result.signal.addEventListener('abort', forget, { once: true });
    return handle(session, line, claim, result);
  } catch (error) {
    forget();
    throw error;
  }
}

/** A further handle of a session that has the lock or is on its way to it; undefined when it does not get there. */
async function joined(session: Session, line: Line, claim: Claim, signal: AbortSignal): Promise<HeldLock | undefined> {
  claim.handles++; // from now on, so that the others' releases leave it to us
  const ownership = await abortable(claim.pending, signal).catch(() => undefined);
  claim.handles--;
  if (ownership instanceof Ownership && ownership.held && !signal.aborted)
    return handle(session, line, claim, ownership);
  if (ownership instanceof Ownership && claim.handles === 0) await ownership.release();
  if (signal.aborted) throw signal.reason;
  return undefined;
}

function handle(session: Session, line: Line, claim: Claim, ownership: Ownership): HeldLock {
  claim.handles++;
  return new HeldLock(ownership, async () => {
    if (--claim.handles > 0) return;
    claims.remove(session, line.prefix, claim);
    await ownership.release();
  });
}

/** For the moment between two owners. */
const NOBODY: Holder = { identity: 'unknown', since: 0, value: '' };
