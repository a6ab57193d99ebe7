import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { type Deferred, deferred } from '../internal/deferred.ts';
import { holdProcess } from '../internal/hold-process.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { managerChannel, type ManagerMessage } from '../internal/diagnostics.ts';
import { kindOf } from '../resource/index.ts';
import { type GroupName, startOrder, stopOrder } from './life-order.ts';
import { onTerminationSignal } from './process-signals.ts';
import { describeStatus, type HealthCheck, nameOf, type Runnable, type RunnableStatus } from './runnable.ts';
import { checkAll } from './run-checks.ts';
import { RunnableGroup } from './runnable-group.ts';

/** controller-runtime's default. */
const GRACEFUL_TIMEOUT_MS = 30_000;

export interface ManagerOptions {
  /** How long everything together may take to stop. Default 30 s, as controller-runtime; negative waits for ever. */
  readonly gracefulTimeoutMs?: number;
  /** Decides when the `leader-elected` group may start. Absent: as soon as everything else is ready. */
  readonly leadership?: Leadership;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Whether this process may run what only one replica may. */
export interface Leadership {
  /** Resolves when it may. It is lost by a runnable that rejects with `LockLost`, which ends the manager. */
  elected(signal: AbortSignal): Promise<unknown>;
}

/** `standby`: everything but the leader-elected group is ready, and that one waits for leadership. */
export type ManagerState = 'new' | 'starting' | 'standby' | 'ready' | 'stopping' | 'stopped';

/**
 * Owns the lives of {@link Runnable}s: starts them group by group, stops them in the opposite sense, and ends when
 * one of them breaks.
 *
 * Guarantees: a group starts only after the one before is ready; nothing is started after a stop was asked for; run
 * settles only when everything has ended or the graceful time-out has passed, and then says what was left, and where.
 * It elects no leader itself: see {@link ManagerOptions.leadership}.
 */
export class Manager {
  readonly #groups: ReadonlyMap<GroupName, RunnableGroup>;
  readonly #gracefulTimeoutMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #ready: Deferred<void> = deferred();
  /** Resolves when a stop is asked for or a runnable breaks. */
  readonly #ending: Deferred<void> = deferred();
  readonly #ended: Deferred<void> = deferred();
  readonly #leadership: Leadership | undefined;
  #state: ManagerState = 'new';
  #stoppedByProcess = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ManagerOptions = {}) {
    this.#gracefulTimeoutMs = options.gracefulTimeoutMs ?? GRACEFUL_TIMEOUT_MS;
    if (typeof this.#gracefulTimeoutMs !== 'number' || Number.isNaN(this.#gracefulTimeoutMs)) {
      throw new SetpointError(
        'Invalid',
        `gracefulTimeoutMs must be a number of milliseconds, negative for ever; got ${kindOf(this.#gracefulTimeoutMs)}`,
      );
    }
    this.#leadership = options.leadership;
    this.#clock = options.clock ?? systemClock;
    this.#logger = steadyLogger(options.logger);
    const onFailure = (error: unknown, runnable: string): void => this.#fail(error, runnable);
    this.#groups = new Map(startOrder.map((name) => [name, new RunnableGroup(name, this.#clock, onFailure)]));
    this.#ready.promise.catch(() => {}); // whoever asked whenReady() gets the rejection; nobody has to ask
  }

  get state(): ManagerState {
    return this.#state;
  }

  /** Whether SIGTERM or SIGINT ended it: the process is about to end. */
  get stoppedByProcess(): boolean {
    return this.#stoppedByProcess;
  }

  /** Adds to a group, by default `others`. While the manager runs, it begins at once if its group has started. */
  add(runnable: Runnable, options: { readonly group?: GroupName } = {}): this {
    if (typeof runnable?.run !== 'function') {
      throw new SetpointError(
        'Invalid',
        `a runnable must be an object with a function run(signal); got ${kindOf(runnable)}`,
      );
    }
    if (this.#state === 'stopping' || this.#state === 'stopped') {
      throw new SetpointError(
        'Closed',
        `the manager is ${this.#state}: '${runnable.name ?? 'unnamed'}' can't be added any more`,
      );
    }
    this.#groups.get(options.group ?? 'others')!.add(runnable);
    return this;
  }

  /** Where every runnable is in its life, in the order in which they start. */
  status(): readonly RunnableStatus[] {
    return [...this.#groups.values()].flatMap((group) => group.status());
  }

  /**
   * The manager's own checks, for a readiness endpoint. `manager`: it is ready or on standby; otherwise it names what
   * it waits for. `runnables`: what the runnables say of themselves.
   */
  readonly checks: Readonly<Record<'manager' | 'runnables', HealthCheck>> = {
    manager: () => {
      if (this.#state === 'ready' || this.#state === 'standby') return;
      const waitsFor = this.status().filter(({ state }) => state === 'starting' || state === 'stopping');
      throw new Error([this.#state, ...waitsFor.map(describeStatus)].join(', '));
    },
    runnables: () =>
      checkAll(this.#running().flatMap((each) => (each.health ? [[nameOf(each), () => each.health!()]] : []))),
  };

  /** What the runnables show of themselves, by page; pages that several have are lists. */
  debug(): Readonly<Record<string, readonly unknown[]>> {
    const pages: Record<string, unknown[]> = {};
    for (const runnable of this.#running()) {
      for (const [page, shown] of Object.entries(runnable.debug?.() ?? {})) (pages[page] ??= []).push(shown);
    }
    return pages;
  }

  /** Resolves when every group has started and is ready, or waits for leadership; rejects when it ends before that. */
  whenReady(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Runs everything until `signal` aborts or {@link stop} is called, and then resolves. Rejects with the error of
   * the first runnable that breaks, or with `Timeout` naming what did not stop in time. Runs once; again is `Invalid`.
   * The process stays alive as long as it runs.
   *
   * Without a signal SIGTERM and SIGINT stop it: the first gracefully, the second exits the process with code 1.
   */
  async run(signal?: AbortSignal): Promise<void> {
    if (this.#state !== 'new')
      throw new SetpointError('Invalid', `a manager runs once, and this one is ${this.#state}`);
    this.#enter('starting');
    const stop = (): void => this.#ending.resolve();
    const release = holdProcess(this.#clock);
    const terminate = (): void => {
      this.#stoppedByProcess = true;
      stop();
    };
    const unlisten = signal ? onAbort(signal, stop) : onTerminationSignal(this.#logger, terminate);
    try {
      await this.#start();
      await this.#ending.promise;
      const left = await this.#stop();
      this.#settle(left);
    } finally {
      unlisten();
      release();
      this.#enter('stopped');
      this.#ready.reject(this.#failure?.error ?? stoppedEarly());
      this.#ended.resolve();
    }
  }

  /** Asks for a graceful stop and resolves when `run` has ended, however it ended: its promise tells. */
  async stop(): Promise<void> {
    if (this.#state === 'new') {
      this.#state = 'stopped';
      this.#ready.reject(stoppedEarly());
      return;
    }
    this.#ending.resolve();
    await this.#ended.promise;
  }

  async #start(): Promise<void> {
    let ending = false;
    const ended = this.#ending.promise.then(() => void (ending = true));
    await Promise.resolve(); // a signal that had aborted already starts nothing
    for (const name of startOrder) {
      if (name === 'leader-elected' && this.#leadership) await Promise.race([this.#waitForLeadership(), ended]);
      if (ending) return;
      this.#logger.debug({ group: name }, 'starting');
      await Promise.race([this.#groups.get(name)!.start(), ended]);
    }
    if (ending) return;
    this.#enter('ready');
    this.#ready.resolve();
    this.#logger.info({}, 'the manager is ready');
  }

  async #waitForLeadership(): Promise<void> {
    this.#enter('standby');
    this.#ready.resolve();
    this.#logger.info({}, 'the manager is on standby: it waits for leadership');
    const waiting = new AbortController();
    void this.#ending.promise.then(() => waiting.abort(stoppedEarly()));
    try {
      await this.#leadership!.elected(waiting.signal);
    } catch (error) {
      if (!waiting.signal.aborted) this.#fail(error, 'leadership');
    }
  }

  #running(): readonly Runnable[] {
    return [...this.#groups.values()].flatMap((group) => group.running);
  }

  #enter(state: ManagerState): void {
    this.#state = state;
    if (managerChannel.hasSubscribers) managerChannel.publish({ state } satisfies ManagerMessage);
  }

  /** Stops step by step within one common limit; returns what had been told to and was still running at its end. */
  async #stop(): Promise<readonly RunnableStatus[]> {
    this.#enter('stopping');
    const reason = new SetpointError('Closed', 'the manager is stopping', { cause: this.#failure?.error });
    const done = new AbortController();
    let expired = false;
    const limit = this.#gracefulLimit(done.signal).then(() => void (expired = true));
    let late: readonly RunnableStatus[] = [];
    for (const step of stopOrder) {
      const groups = step.map((name) => this.#groups.get(name)!);
      const stopped = Promise.all(groups.map((group) => group.stop(reason)));
      if (expired) continue; // the rest is told to stop all the same, and had no time to be late in
      await Promise.race([stopped, limit]);
      if (expired) late = groups.flatMap((group) => group.status());
    }
    done.abort();
    return late;
  }

  async #gracefulLimit(done: AbortSignal): Promise<void> {
    // A deposed leader has nothing to wrap up: another one may be at work already.
    if (isSetpointError(this.#failure?.error, 'LockLost')) return;
    if (this.#gracefulTimeoutMs < 0) return new Promise<void>(() => {});
    await sleep(this.#clock, this.#gracefulTimeoutMs, done, { ref: true });
  }

  #settle(left: readonly RunnableStatus[]): void {
    const what = left.map(describeStatus).join('; ');
    const late = new SetpointError(
      'Timeout',
      `these did not stop within ${this.#gracefulTimeoutMs} ms: ${what}. ` +
        'Do they look at their signal? gracefulTimeoutMs gives them longer',
    );
    if (!this.#failure) {
      if (left.length > 0) throw late;
      return;
    }
    const { error } = this.#failure;
    if (left.length > 0 && isSetpointError(error, 'LockLost')) {
      this.#logger.warn(
        { left },
        `the leadership was lost, and these were still at work: ${what}. Nothing waits for them`,
      );
    } else if (left.length > 0) {
      this.#logger.error({ left }, late.message);
    }
    throw error;
  }

  #fail(error: unknown, runnable: string): void {
    if (this.#failure?.error === error) return;
    if (this.#failure || this.#state === 'stopped') {
      return this.#logger.error({ runnable, err: error }, 'a runnable broke as well');
    }
    this.#failure = { error };
    this.#logger.error({ runnable, err: error }, 'a runnable broke, the manager stops');
    this.#ending.resolve();
  }
}

function stoppedEarly(): SetpointError {
  return new SetpointError('Closed', 'the manager was stopped before it was ready');
}

function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
