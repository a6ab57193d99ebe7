import type { WorkQueue } from '../workqueue/index.ts';
import type { HotKeys } from './hot-keys.ts';
import { type PauseScope, Pauses } from './pauses.ts';

/**
 * Decides of a key that the queue has just given out whether it may run now. One that is paused, or in a loop of its
 * own making, goes back with its priority and its causes.
 */
export class HandOutGate {
  readonly #queue: WorkQueue;
  readonly #hotKeys: HotKeys;
  readonly #pauses = new Pauses();
  /** Keys that came up while they were paused: they are wanted, and wait for the resume. */
  readonly #parked = new Set<string>();

  constructor(queue: WorkQueue, hotKeys: HotKeys) {
    this.#queue = queue;
    this.#hotKeys = hotKeys;
  }

  /** Nothing is handed out. */
  get closed(): boolean {
    return this.#pauses.all;
  }

  /** What is paused beside everything. */
  get scopes(): readonly PauseScope[] {
    return this.#pauses.scopes;
  }

  isPaused(key: string): boolean {
    return this.#pauses.all || this.#pauses.has(key);
  }

  admits(key: string): boolean {
    if (this.#pauses.has(key)) {
      this.#parked.add(key);
      this.#queue.putBack(key, Infinity);
      return false;
    }
    const delayMs = this.#hotKeys.delayMs(key, () => this.#queue.heldCauses(key));
    if (delayMs > 0) this.#queue.putBack(key, delayMs);
    return delayMs <= 0;
  }

  pause(scope: PauseScope | undefined): void {
    this.#pauses.add(scope);
  }

  resume(scope: PauseScope | undefined): void {
    this.#pauses.remove(scope);
    for (const key of this.#parked) {
      if (this.#pauses.has(key)) continue;
      this.#parked.delete(key);
      // As urgent as it was: an add of its own would make a key of low priority an ordinary one.
      this.#queue.add(key, { priority: this.#queue.look(key)?.priority ?? 0 });
    }
  }
}
