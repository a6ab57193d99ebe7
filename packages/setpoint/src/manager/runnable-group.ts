import { deferred } from '../internal/deferred.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { nameOf, type Runnable } from './runnable.ts';

/** One runnable that was started. */
interface Member {
  readonly name: string;
  readonly ready: Promise<void>;
  /** Resolves when `run` has settled, either way. */
  readonly ended: Promise<void>;
}

/** Told of the first and of every further runnable that broke. */
export type OnFailure = (error: unknown, runnable: string) => void;

/**
 * Runnables that start together and stop together. Adding works before and after the start alike; after it, a
 * runnable begins at once. The manager is only a sequence of these.
 */
export class RunnableGroup {
  readonly name: string;
  /** Waiting for the start; empty from then on. */
  readonly #waiting: Runnable[] = [];
  /** Started and not ended. */
  readonly #running = new Set<Member>();
  readonly #stopping = linkedAbort();
  readonly #onFailure: OnFailure;
  #started = false;

  constructor(name: string, onFailure: OnFailure) {
    this.name = name;
    this.#onFailure = onFailure;
  }

  /** A runnable that is added to a group which has been stopped is never run. */
  add(runnable: Runnable): void {
    if (this.#started) this.#launch(runnable);
    else this.#waiting.push(runnable);
  }

  /** Starts everything added so far and resolves when all of it is ready, or when the group is stopped. */
  async start(): Promise<void> {
    this.#started = true;
    for (const runnable of this.#waiting.splice(0)) this.#launch(runnable);
    const stopped = deferred();
    const onStop = (): void => stopped.resolve();
    if (this.#stopping.signal.aborted) return;
    this.#stopping.signal.addEventListener('abort', onStop, { once: true });
    await Promise.race([Promise.all([...this.#running].map((member) => member.ready)), stopped.promise]);
    this.#stopping.signal.removeEventListener('abort', onStop);
  }

  /** Asks everything to stop and resolves when it has. Never rejects; may never resolve: race it with a limit. */
  async stop(reason: unknown): Promise<void> {
    this.#stopping.abort(reason);
    await Promise.all([...this.#running].map((member) => member.ended));
  }

  /** What is still running, by name. */
  get running(): readonly string[] {
    return [...this.#running].map((member) => member.name);
  }

  #launch(runnable: Runnable): void {
    if (this.#stopping.signal.aborted) return;
    const own = linkedAbort(this.#stopping.signal);
    const { signal } = own;
    const name = nameOf(runnable);
    const broke = (error: unknown): void => this.#onFailure(error, name);
    // Both start in this turn, in this order, and neither may throw past its promise.
    const ended = attempt(() => runnable.run(signal)).then(undefined, broke);
    const ready = attempt(() => runnable.ready?.(signal)).catch((error: unknown) => {
      if (!signal.aborted) broke(error);
    });
    const member: Member = { name, ready, ended: ended.then(() => leave()) };
    const leave = (): void => {
      own.unlink();
      this.#running.delete(member);
    };
    this.#running.add(member);
  }
}

/** Calls `work` now; a throw becomes a rejection. */
async function attempt(work: () => Promise<void> | undefined): Promise<void> {
  await work();
}
