import type { Clock } from '../internal/clock.ts';
import type { CauseInput, WorkQueue } from '../workqueue/index.ts';
import type { Job } from './job.ts';
import type { Outcome } from './outcome.ts';

interface Retry {
  readonly priority: number;
  readonly cause: CauseInput;
  readonly atLeastMs?: number;
}

/**
 * What the end of an attempt means for its key, which is still held.
 *
 * Only failures and `requeue` advance a key's delays; success and a named time forget them. And they advance once for
 * each delay that was waited out: an event may run a failing key before its time, and when that fails too, the key
 * waits for the time that was set before. Otherwise a few events would put a key off for as long as twenty failures.
 */
export class Requeues {
  readonly #queue: WorkQueue;
  readonly #clock: Clock;
  /** Of the keys whose last attempts asked for another one: when their delay is over. */
  readonly #notBefore = new Map<string, number>();

  constructor(queue: WorkQueue, clock: Clock) {
    this.#queue = queue;
    this.#clock = clock;
  }

  /** How many keys are remembered: those that fail. */
  get size(): number {
    return this.#notBefore.size;
  }

  /** A repetition keeps the priority that its key was handed out with, unless the result names another. */
  ended({ key, priority: held }: Job, outcome: Outcome): void {
    if (outcome.type === 'error') {
      if (outcome.terminal) return void this.#notBefore.delete(key);
      const failure = this.#queue.failures(key) + (this.#leftMs(key) > 0 ? 0 : 1);
      const atLeastMs = outcome.retryAfterMs ?? 0;
      this.#again(key, { priority: held, cause: { type: 'retry', failure }, atLeastMs });
    } else if (outcome.type === 'requeue') {
      this.#again(key, { priority: outcome.priority ?? held, cause: { type: 'requeue' } });
    } else {
      this.#notBefore.delete(key);
      this.#queue.forget(key);
      if (outcome.type !== 'requeue_after') return;
      const priority = outcome.priority ?? held;
      this.#queue.addAfter(key, outcome.delayMs, { priority, cause: { type: 'requeue' } });
    }
  }

  #again(key: string, { atLeastMs = 0, ...notes }: Retry): void {
    const left = this.#leftMs(key);
    let delayMs = Math.max(left, atLeastMs);
    if (left > 0) this.#queue.addAfter(key, delayMs, notes);
    else delayMs = this.#queue.addRateLimited(key, { ...notes, atLeastMs });
    this.#notBefore.set(key, this.#clock.now() + delayMs);
  }

  /** How much of its present delay a key that runs before its time has left. */
  #leftMs(key: string): number {
    return (this.#notBefore.get(key) ?? 0) - this.#clock.now();
  }
}
