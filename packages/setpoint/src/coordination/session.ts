import { hostname } from 'node:os';
import { type ErrorCode, isSetpointError, SetpointError } from '../errors/index.ts';
import { type Clock, sleep, systemClock, type Timer } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { checkOptionNames, kindOf } from '../resource/index.ts';
import type { Store } from '../store/index.ts';

export interface SessionOptions {
  readonly store: Store;
  /** How long the store keeps what this process holds after it was last heard of. Default 15 s, as client-go. */
  readonly ttlSeconds?: number;
  /** How often the lease is renewed; below `renewWithinMs`. Default: a third of the TTL, as etcd's own client. */
  readonly renewEveryMs?: number;
  /**
   * How long after its last renewal was sent a session counts as lost. Default, and at most: the TTL less a margin of
   * a tenth, at least 500 ms.
   */
  readonly renewWithinMs?: number;
  /** How long after a failed renewal the next is tried. Default 500 ms. */
  readonly retryMs?: number;
  /** Tells people who holds something; it decides nothing. Default: host, process id and a random part. */
  readonly identity?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** After these a lease can't be counted on any more; anything else is tried again until the deadline. */
const FATAL: readonly ErrorCode[] = ['LeaseNotFound', 'HistoryReset', 'ClusterMismatch', 'Closed', 'PermissionDenied'];

const EXPIRED = ['SessionExpired', 'lost, and all it held'] as const;
const MARGIN_MIN_MS = 500;
const RETRY_MS = 500;
/** A close that the store does not answer must not hold up a stop: the lease runs out by itself. */
const CLOSE_TIMEOUT_MS = 2000;
/** More writes than this with lost answers, all in one session, mean that something else is wrong. */
const STRAYS_MAX = 1000;

/**
 * Opens a session: a lease of the store that this process keeps alive. Fails as the store does, with `Unavailable` where
 * the answer was lost (trying again is safe), and with `Invalid` for options that can't work.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const settings = checkSession(options);
  const { store, clock, ttlSeconds } = settings;
  const sentAt = clock.now();
  try {
    return new Session(settings, await store.leaseGrant({ ttlSeconds }), sentAt);
  } catch (error) {
    if (!isSetpointError(error, 'OutcomeUnknown')) throw error;
    const message = 'no answer to the grant of a lease; one that nobody knows of holds nothing, and runs out by itself';
    throw new SetpointError('Unavailable', message, { cause: error });
  }
}

/**
 * A lease kept alive by this process; what it holds (locks, leaderships, shards) is attached to it. One session is one
 * holder: two parties in one process that must exclude each other need a session each.
 *
 * Guarantees: the deadline is counted on the monotonic clock from when the renewal was *sent*, so it passes before the
 * store can let anybody else in; at the deadline, or as soon as the store says that the lease is gone, `signal` aborts
 * with `SessionExpired`, for good. A blocked event loop or a frozen process finds its deadline passed in the first call
 * after it: {@link Session.alive} looks at the clock. Nothing revives a session that is lost: open a new one.
 */
export class Session {
  /** The lease. */
  readonly id: bigint;
  readonly identity: string;
  /** As granted: the store raises what is below its minimum (2 s for etcd's defaults). */
  readonly ttlSeconds: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly #settings: Settings;
  readonly #life = linkedAbort();
  /** Keys that must not outlive the wish for them, and whether they were there: else a write may yet make them. */
  readonly #strays = new Map<string, boolean>();
  readonly #renewing: Promise<void>;
  #sentAt: number;
  #deadline: number;
  #timer: Timer | undefined;

  /** Called by {@link openSession}, with the lease as granted and when it was asked for. */
  constructor(settings: Settings, granted: { readonly id: bigint; readonly ttlSeconds: number }, sentAt: number) {
    const { store, clock, random, logger, identity, ttlSeconds } = settings;
    this.id = granted.id;
    this.ttlSeconds = granted.ttlSeconds;
    this.identity = identity;
    this.store = store;
    this.clock = clock;
    this.random = random;
    this.logger = logger.child({ session: this.id.toString(16) });
    this.#settings = settings;
    this.#sentAt = sentAt;
    this.#deadline = sentAt + deadlineMs(granted.ttlSeconds, settings);
    if (granted.ttlSeconds > ttlSeconds) {
      const fields = { asked: ttlSeconds, granted: granted.ttlSeconds };
      this.logger.warn(fields, "the TTL asked for is below the store's minimum; what was granted counts");
    }
    this.#arm();
    this.#renewing = this.#renew();
  }

  /** Aborts when the session is lost (`SessionExpired`) or closed (`Closed`). */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** When it counts as lost unless renewed, on the session's clock. */
  get deadline(): number {
    return this.#deadline;
  }

  /** When the renewal was sent that last succeeded. */
  get renewedAt(): number {
    return this.#sentAt;
  }

  /** Whether it may still act. Looks at the clock, and makes `signal` abort when the deadline has passed unnoticed. */
  get alive(): boolean {
    if (!this.signal.aborted && this.clock.now() >= this.#deadline) this.#expire();
    return !this.signal.aborted;
  }

  /** Throws `SessionExpired`, or `Closed` when it was closed by its owner. */
  assertAlive(): void {
    if (this.alive) return;
    const { reason } = this.signal as { reason: unknown };
    const [code, end] = isSetpointError(reason, 'Closed') ? (['Closed', 'closed'] as const) : EXPIRED;
    const message = `the session ${this.id.toString(16)} of '${this.identity}' is ${end}; open a new one`;
    throw new SetpointError(code, message, { cause: reason });
  }

  /**
   * Declares it lost, for a reason that somebody else found out: a key of its lease is gone, say. The lease is left to run
   * out: what takes a moment to stop, and acts outside the store, is alone meanwhile.
   */
  lose(cause: unknown): void {
    if (this.signal.aborted) return;
    this.logger.warn({ err: cause }, 'the session is lost');
    const message = `the session ${this.id.toString(16)} of '${this.identity}' is ${EXPIRED[1]}`;
    this.#end(new SetpointError('SessionExpired', message, { cause }));
  }

  /** Ends it in good order: revokes the lease, so that what it held is free at once. Never fails; again does nothing. */
  async close(): Promise<void> {
    const lost = this.signal.aborted;
    this.#end(new SetpointError('Closed', `the session ${this.id.toString(16)} was closed`));
    await this.#renewing;
    if (lost) return;
    try {
      await this.store.leaseRevoke(this.id, { timeoutMs: CLOSE_TIMEOUT_MS });
    } catch (error) {
      if (isSetpointError(error, 'LeaseNotFound')) return;
      this.logger.info({ err: error }, 'the lease was not revoked; it runs out by itself');
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Sees to it that `key`, which a write with a lost answer may make late, doesn't stay: it is deleted at every renewal
   * for as long as the session lives, and ends with its lease after that. Its name must never be used again. One that
   * was `made` already can't come late: it is deleted once.
   */
  disown(key: string, { made = false }: { readonly made?: boolean } = {}): void {
    if (this.#strays.size >= STRAYS_MAX) this.lose(new SetpointError('Internal', 'too many writes with lost answers'));
    this.#strays.set(key, made);
  }

  async #renew(): Promise<void> {
    const everyMs = this.#settings.renewEveryMs ?? (this.ttlSeconds * 1000) / 3;
    let waitMs = everyMs;
    while (!this.signal.aborted) {
      await sleep(this.clock, waitMs, this.signal);
      if (!this.alive) return;
      const sentAt = this.clock.now();
      const renewed = await this.#renewOnce(sentAt, everyMs);
      waitMs = renewed ? Math.max(0, sentAt + everyMs - this.clock.now()) : this.#settings.retryMs;
      if (renewed && this.#strays.size > 0) void this.#sweep();
    }
  }

  async #renewOnce(sentAt: number, timeoutMs: number): Promise<boolean> {
    try {
      const { ttlSeconds } = await this.store.leaseKeepAlive(this.id, { timeoutMs, signal: this.signal });
      if (!this.alive) return false;
      this.#sentAt = sentAt;
      this.#deadline = Math.max(this.#deadline, sentAt + deadlineMs(ttlSeconds, this.#settings));
      return true;
    } catch (error) {
      if (this.signal.aborted) return false;
      if (isSetpointError(error) && FATAL.includes(error.code)) this.lose(error);
      else this.logger.warn({ err: error, leftMs: this.#deadline - this.clock.now() }, 'a renewal failed');
      return false;
    }
  }

  /** Keys that are not there, and never were, are tried again: their writes may still be on their way. */
  async #sweep(): Promise<void> {
    for (const [key, made] of this.#strays) {
      const swept = await this.store.delete({ key }, { signal: this.signal, alone: true }).catch(() => undefined);
      if (swept && (made || swept.deleted > 0n)) this.#strays.delete(key);
    }
  }

  /** One timer that is set again when it finds the deadline moved on. */
  #arm(): void {
    const fire = (): void => {
      if (this.alive) this.#arm();
    };
    this.#timer = this.clock.setTimer(fire, this.#deadline - this.clock.now());
  }

  #expire(): void {
    const silentMs = Math.round(this.clock.now() - this.#sentAt);
    this.lose(
      new SetpointError('Timeout', `no renewal was confirmed for ${silentMs} ms, with a TTL of ${this.ttlSeconds} s`),
    );
  }

  #end(reason: unknown): void {
    this.#timer?.cancel();
    this.#life.abort(reason);
  }
}

type Settings = Required<Omit<SessionOptions, 'renewEveryMs' | 'renewWithinMs'>> &
  Pick<SessionOptions, 'renewEveryMs' | 'renewWithinMs'>;

function checkSession(options: SessionOptions): Settings {
  checkOptionNames('openSession', options, OPTIONS);
  const { store, ttlSeconds = 15, clock = systemClock, random = systemRandom, logger } = options;
  const { retryMs = RETRY_MS, identity = defaultIdentity(random) } = options;
  if (typeof store?.leaseGrant !== 'function')
    throw new SetpointError('Invalid', `a session needs a store, such as memoryStore(); got ${typeof store}`);
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1)
    throw new SetpointError('Invalid', `a session's ttlSeconds must be a whole number above 0; got ${ttlSeconds}`);
  for (const name of ['renewEveryMs', 'renewWithinMs', 'retryMs'] as const) {
    const value = options[name] ?? 1;
    if (!(value > 0))
      throw new SetpointError('Invalid', `a session's ${name} must be a number of milliseconds above 0; got ${value}`);
  }
  const withinMs = deadlineMs(ttlSeconds, options);
  const everyMs = options.renewEveryMs ?? (ttlSeconds * 1000) / 3;
  if (everyMs >= withinMs)
    throw new SetpointError(
      'Invalid',
      `a session that is renewed every ${everyMs} ms and lost after ${withinMs} ms without a renewal can't live: ` +
        'lower renewEveryMs, or raise renewWithinMs or ttlSeconds',
    );
  if (typeof identity !== 'string' || identity === '' || identity.length > IDENTITY_MAX) {
    const got = JSON.stringify(identity);
    throw new SetpointError('Invalid', `an identity must be 1 to ${IDENTITY_MAX} characters; got ${got}`);
  }
  return { ...options, store, ttlSeconds, retryMs, identity, clock, random, logger: steadyLogger(logger) };
}

const OPTIONS: readonly string[] = [
  'store',
  'ttlSeconds',
  'renewEveryMs',
  'renewWithinMs',
  'retryMs',
  'identity',
  'clock',
  'random',
  'logger',
] satisfies (keyof SessionOptions)[];

/** How long after a renewal was sent the session is lost, when the store grants so many seconds. */
function deadlineMs(ttlSeconds: number, { renewWithinMs = Infinity }: Pick<SessionOptions, 'renewWithinMs'>): number {
  const ttlMs = ttlSeconds * 1000;
  return Math.min(ttlMs - Math.max(MARGIN_MIN_MS, ttlMs / 10), renewWithinMs);
}

const IDENTITY_MAX = 253;

function defaultIdentity(random: Random): string {
  return `${hostname()}-${process.pid}-${random.uuid().slice(0, 8)}`;
}

/** Refuses what is no session with `Invalid`: a store, say, or the options of one. */
export function checkIsSession(what: string, session: unknown): void {
  // By what it does: another copy of this package has a class of its own.
  if (typeof (session as Partial<Session> | undefined)?.assertAlive === 'function') return;
  throw new SetpointError(
    'Invalid',
    `${what} takes a session, as \`await openSession({ store })\` gives; got ${kindOf(session)}`,
  );
}
