import { isSetpointError, SetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import type { Store } from '../store/index.ts';
import { checkCoordinationName } from './coordination-name.ts';
import { campaign, electionLine, type Leadership } from './election.ts';
import { openSession, type Session } from './session.ts';

export interface LeaderElectionOptions {
  /** Candidates of one name exclude each other. */
  readonly name: string;
  readonly prefix?: string;
  readonly identity?: string;
  /** Told to those who observe. */
  readonly value?: string;
  /** How long the store waits for a leader that is not heard of. Whole seconds. Default 15 s, as client-go. */
  readonly leaseDurationMs?: number;
  /** How long a leader goes on without a confirmed renewal; below the lease's duration. Default 10 s, as client-go. */
  readonly renewDeadlineMs?: number;
  /** How often it renews, and how soon it tries again. Default 2 s, as client-go. */
  readonly retryPeriodMs?: number;
}

export interface LeaderElectorOptions extends LeaderElectionOptions {
  readonly store: Store;
  /** Called when this process leads. The work must end when the leadership's signal aborts. */
  readonly onStartedLeading?: (leadership: Leadership) => void;
  /** Called exactly once, at the end, whether it ever led or not; after the leadership's signal has aborted. */
  readonly onStoppedLeading?: () => void;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** How far a renewal must be ahead of the deadline, jitter included; client-go's factor. */
const JITTER = 1.2;
/** How long after its lease a leader that is still not over is reported by the health check. */
const HEALTH_TOLERANCE_MS = 20_000;

/**
 * One candidate, from its start to the loss of its leadership. Runnable, once: who was deposed starts over as a new
 * process, or a new elector, because nothing that it knew can be relied on.
 *
 * A candidate whose session is lost before it leads opens another one and stands again. A leader that is asked to stop
 * resigns, so that the next one leads at once.
 */
export class LeaderElector {
  readonly name: string;
  readonly #options: LeaderElectorOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #leading: Deferred<Leadership> = deferred();
  #leadership: Leadership | undefined;
  #started = false;

  /** Throws `Invalid` for a name that is no key, and for times that can't work together. */
  constructor(options: LeaderElectorOptions) {
    checkTimes(options);
    checkCoordinationName('leader election', options.name);
    electionLine(options.name, options.prefix);
    this.name = `leader election ${options.name}`;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = steadyLogger(options.logger).child({ election: options.name });
    this.#leading.promise.catch(() => {});
  }

  /** The leadership, from the election on, also when it is over. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  get isLeading(): boolean {
    return this.#leadership?.ownership.held ?? false;
  }

  /** Resolves when this process leads; rejects when `run` ends before that, with what it ends with. */
  whenLeading(): Promise<Leadership> {
    return this.#leading.promise;
  }

  /** Throws when it should long have renewed or given up, for a health endpoint. A standby is healthy. */
  check(): void {
    const session = this.#leadership?.ownership.session;
    if (!session || session.signal.aborted) return;
    const silentMs = this.#clock.now() - session.renewedAt;
    const { leaseDurationMs = LEASE_DURATION_MS } = this.#options;
    if (silentMs <= leaseDurationMs + HEALTH_TOLERANCE_MS) return;
    throw new SetpointError('LockLost', `${this.name}: no renewal for ${Math.round(silentMs)} ms, and it did not end`);
  }

  /**
   * Stands for election and leads, until `signal` aborts: then it resigns and resolves. Rejects with `LockLost` when the
   * leadership is lost, and with what makes standing impossible.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new SetpointError('Invalid', `${this.name} was started before; make a new one`);
    this.#started = true;
    let session: Session | undefined;
    try {
      const backoff = this.#backoff();
      while (!signal.aborted) {
        session = await this.#session(signal);
        if (!session || (await this.#term(session, signal))) break;
        await sleep(this.#clock, backoff.next(), signal);
      }
    } catch (error) {
      this.#leading.reject(error);
      throw error;
    } finally {
      await session?.close();
      this.#leading.reject(new SetpointError('Closed', `${this.name} ended without leading`));
      this.#tell(() => this.#options.onStoppedLeading?.());
    }
  }

  /** Opens a session, for as long as that takes; undefined when `signal` aborted. */
  async #session(signal: AbortSignal): Promise<Session | undefined> {
    const { store, identity } = this.#options;
    const { leaseDurationMs = LEASE_DURATION_MS, renewDeadlineMs = RENEW_DEADLINE_MS } = this.#options;
    const { retryPeriodMs = RETRY_PERIOD_MS } = this.#options;
    const backoff = this.#backoff();
    while (!signal.aborted) {
      try {
        return await openSession({
          store,
          ttlSeconds: leaseDurationMs / 1000,
          renewWithinMs: renewDeadlineMs,
          renewEveryMs: Math.min(retryPeriodMs, leaseDurationMs / 3),
          retryMs: Math.min(retryPeriodMs, 500),
          ...(identity === undefined ? {} : { identity }),
          clock: this.#clock,
          random: this.#random,
          logger: this.#logger,
        });
      } catch (error) {
        // A lease that nobody knows of runs out by itself.
        if (!isSetpointError(error) || !(error.retryable || error.code === 'OutcomeUnknown')) throw error;
        this.#logger.warn({ err: error }, 'no session yet');
        await sleep(this.#clock, backoff.next(), signal);
      }
    }
    return undefined;
  }

  #backoff(): Backoff {
    const { retryPeriodMs = RETRY_PERIOD_MS } = this.#options;
    return new Backoff({ baseMs: 100, maxMs: retryPeriodMs }, this.#random);
  }

  /** False when the session was lost before it led. */
  async #term(session: Session, signal: AbortSignal): Promise<boolean> {
    const { name, prefix, value } = this.#options;
    let leadership: Leadership;
    try {
      const where = { ...(prefix === undefined ? {} : { prefix }), ...(value === undefined ? {} : { value }) };
      leadership = await campaign(session, name, { ...where, signal });
    } catch (error) {
      if (signal.aborted) return true;
      if (!isSetpointError(error, 'SessionExpired')) throw error;
      this.#logger.warn({ err: error }, 'stands for election again, with a new session');
      return false;
    }
    this.#leadership = leadership;
    this.#logger.info({ identity: session.identity, token: String(leadership.ownership.token) }, 'leads');
    this.#leading.resolve(leadership);
    this.#tell(() => this.#options.onStartedLeading?.(leadership));
    await either(signal, leadership.signal);
    if (!signal.aborted) throw this.#lost(leadership);
    await leadership.resign();
    return true;
  }

  #lost({ signal }: Leadership): SetpointError {
    const message = `${this.name} is lost: another may lead now. Start again as a new candidate`;
    return new SetpointError('LockLost', message, { cause: signal.reason });
  }

  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#logger.error({ err: error }, 'a callback of the leader election failed');
    }
  }
}

const LEASE_DURATION_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_PERIOD_MS = 2_000;

function checkTimes(options: LeaderElectorOptions): void {
  const { leaseDurationMs = LEASE_DURATION_MS, renewDeadlineMs = RENEW_DEADLINE_MS } = options;
  const { retryPeriodMs = RETRY_PERIOD_MS } = options;
  const refuse = (what: string): never => {
    throw new SetpointError('Invalid', `leader election '${options.name}': ${what}`);
  };
  if (!Number.isInteger(leaseDurationMs / 1000) || leaseDurationMs <= 0)
    refuse(`leaseDurationMs must be whole seconds above 0; got ${leaseDurationMs}`);
  if (!(renewDeadlineMs > 0) || !(retryPeriodMs > 0))
    refuse(`renewDeadlineMs and retryPeriodMs must be above 0; got ${renewDeadlineMs} and ${retryPeriodMs}`);
  if (leaseDurationMs <= renewDeadlineMs)
    refuse(
      `leaseDurationMs (${leaseDurationMs}) must be above renewDeadlineMs (${renewDeadlineMs}), ` +
        'or another leads before this one gives up',
    );
  if (renewDeadlineMs <= JITTER * retryPeriodMs)
    refuse(`renewDeadlineMs (${renewDeadlineMs}) must be above ${JITTER} × retryPeriodMs (${retryPeriodMs})`);
}

function either(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener('abort', done, { once: true });
    }
  });
}
