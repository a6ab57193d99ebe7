import type { Clock } from '../internal/clock.ts';
import { deferred } from '../internal/deferred.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { askedSafely, nameOf, type Runnable, type RunnableStatus } from './runnable.ts';

/** One runnable that was started. */
interface Member {
  readonly runnable: Runnable;
  readonly ready: Promise<void>;
  /** Resolves when `run` has settled, either way. */
  readonly ended: Promise<void>;
  /** Since when it has been starting, ready or stopping. */
  since: number;
  isReady: boolean;
}

/** Told of the first and of every further runnable that broke. */
export type OnFailure = (error: unknown, runnable: string) => void;

/**
 * Runnables that start together and stop together. Adding works before and after the start alike; after it, a
 * runnable begins at once. The manager is only a sequence of these.
 */
export class RunnableGroup {
  readonly name: string;
  /** Waiting for the start, since when; empty from then on. */
  readonly #waiting: { readonly runnable: Runnable; readonly since: number }[] = [];
  /** Started and not ended. */
  readonly #running = new Set<Member>();
  readonly #stopping = linkedAbort();
  readonly #clock: Clock;
  readonly #onFailure: OnFailure;
  #started = false;

  constructor(name: string, clock: Clock, onFailure: OnFailure) {
    this.name = name;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** A runnable that is added to a group which has been stopped is never run. */
  add(runnable: Runnable): void {
    if (this.#started) this.#launch(runnable);
    else this.#waiting.push({ runnable, since: this.#clock.now() });
  }

  /** Starts everything added so far and resolves when all of it is ready, or when the group is stopped. */
  async start(): Promise<void> {
    this.#started = true;
    for (const { runnable } of this.#waiting.splice(0)) this.#launch(runnable);
    const stopped = deferred();
    const onStop = (): void => stopped.resolve();
    if (this.#stopping.signal.aborted) return;
    this.#stopping.signal.addEventListener('abort', onStop, { once: true });
    await Promise.race([Promise.all([...this.#running].map((member) => member.ready)), stopped.promise]);
    this.#stopping.signal.removeEventListener('abort', onStop);
  }

  /** Asks everything to stop and resolves when it has. Never rejects; may never resolve: race it with a limit. */
  async stop(reason: unknown): Promise<void> {
    const now = this.#clock.now();
    for (const member of this.#running) member.since = now;
    this.#stopping.abort(reason);
    await Promise.all([...this.#running].map((member) => member.ended));
  }

  /** What is running, those that are told to stop included. */
  get running(): readonly Runnable[] {
    return [...this.#running].map(({ runnable }) => runnable);
  }

  /** Where each runnable is in its life; those that have ended are not there. */
  status(): readonly RunnableStatus[] {
    const now = this.#clock.now();
    const running = [...this.#running].map((member): RunnableStatus => {
      const state = this.#stopping.signal.aborted ? 'stopping' : member.isReady ? 'ready' : 'starting';
      return this.#statusOf(member.runnable, state, now - member.since);
    });
    return [
      ...running,
      ...this.#waiting.map(({ runnable, since }) => this.#statusOf(runnable, 'waiting', now - since)),
    ];
  }

  #statusOf(runnable: Runnable, state: RunnableStatus['state'], forMs: number): RunnableStatus {
    const busyWith = state === 'waiting' ? [] : askedSafely(() => runnable.busyWith?.());
    return { group: this.name, name: nameOf(runnable), state, forMs, busyWith };
  }

  #launch(runnable: Runnable): void {
    if (this.#stopping.signal.aborted) return;
    const own = linkedAbort(this.#stopping.signal);
    const { signal } = own;
    const broke = (error: unknown): void => this.#onFailure(error, nameOf(runnable));
    // Both start in this turn, in this order, and neither may throw past its promise.
    const ended = attempt(() => runnable.run(signal)).then(undefined, (error: unknown) => {
      if (!isAbortOf(signal, error)) broke(error);
    });
    const ready = attempt(() => runnable.ready?.(signal)).then(
      () => this.#becameReady(member),
      (error: unknown) => {
        if (!signal.aborted) broke(error);
      },
    );
    const leave = (): void => {
      own.unlink();
      this.#running.delete(member);
    };
    const member: Member = {
      runnable,
      ready,
      ended: ended.then(leave),
      since: this.#clock.now(),
      isReady: false,
    };
    this.#running.add(member);
  }

  #becameReady(member: Member): void {
    if (this.#stopping.signal.aborted) return;
    member.isReady = true;
    member.since = this.#clock.now();
  }
}

/** Whether somebody who was told to stop says no more than that. */
function isAbortOf(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

/** Calls `work` now; a throw becomes a rejection. */
async function attempt(work: () => Promise<void> | undefined): Promise<void> {
  await work();
}
