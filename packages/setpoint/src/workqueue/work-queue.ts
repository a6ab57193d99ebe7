import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import type { Metrics } from '../internal/metrics.ts';
import { checkedNumber } from './checked-number.ts';
import { defaultControllerLimiter } from './default-limiters.ts';
import { Delays } from './delays.ts';
import { Drains, type DrainReport } from './drains.ts';
import { Getters } from './getters.ts';
import { type QueueMetrics, queueMetrics } from './queue-metrics.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { FifoList, type ReadyList } from './ready-list.ts';
import { SteadySet } from './steady-set.ts';

export interface WorkQueueOptions {
  /** The `name` and `controller` label of the queue's metrics. Without it none are registered. */
  readonly name?: string;
  /** Where the metrics are registered. Without it there are none. */
  readonly metrics?: Metrics;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Decides the delay of {@link WorkQueue.addRateLimited}. Default {@link defaultControllerLimiter}. */
  readonly rateLimiter?: RateLimiter;
}

export interface AddOptions {
  /** Wait this long before the key becomes ready, in milliseconds. Default: no wait. */
  readonly delayMs?: number;
}

/**
 * A queue of keys for workers: see this folder's `index.ts` for what it promises.
 *
 * Every method is synchronous but `get` and `drain`, and none but the constructor throws for anything other than a key
 * that isn't a string or a delay that isn't a finite number (`Invalid`).
 */
export class WorkQueue<Key extends string = string> {
  /** Keys to hand out, in this order. None of them is held. */
  readonly #ready: ReadyList<Key> = new FifoList();
  /** Keys handed out and not yet done. */
  readonly #held = new SteadySet<Key>();
  /** Those of the held keys that were added meanwhile: they become ready at done. */
  readonly #again = new SteadySet<Key>();
  /** Keys whose time has not come. None of them is ready, nor to become so at done. */
  readonly #delays: Delays<Key>;
  /** Callers of `get`. While there are any, `#ready` is empty. */
  readonly #getters = new Getters<Key>();
  readonly #drains: Drains<Key>;
  readonly #listeners = new Set<{ readonly tell: () => void }>();
  readonly #rateLimiter: RateLimiter;
  readonly #metrics: QueueMetrics | undefined;
  #shuttingDown = false;

  /** @throws Invalid when an option isn't what it should be. */
  constructor(options: WorkQueueOptions = {}) {
    const clock = options.clock ?? systemClock;
    this.#rateLimiter = options.rateLimiter ?? defaultControllerLimiter(clock);
    this.#delays = new Delays(clock, (key) => this.#want(key));
    this.#drains = new Drains(clock, () => [...this.#held.keys(), ...this.#ready.keys()]);
    this.#metrics = queueMetrics({ ...options, clock, depth: () => this.length });
  }

  /** Keys that are ready to be handed out: neither the delayed nor those in processing. */
  get length(): number {
    return this.#ready.size;
  }

  /** Keys whose delay has not passed. */
  get waiting(): number {
    return this.#delays.size;
  }

  /** Keys handed out and not yet done. */
  get processing(): number {
    return this.#held.size;
  }

  /** No add is accepted any more. */
  get shuttingDown(): boolean {
    return this.#shuttingDown;
  }

  /**
   * Asks for `key` to be handed out. However often it is asked before that happens, it happens once; asked while the
   * key is being processed, it happens once more, after `done`. An add takes the place of a delayed one of the same
   * key. After shutdown nothing happens.
   */
  add(key: Key, options?: AddOptions): void {
    if (options?.delayMs !== undefined) return this.addAfter(key, options.delayMs);
    if (this.#shuttingDown) return;
    checkKey(key);
    this.#delays.cancel(key);
    this.#want(key);
  }

  /**
   * Adds `key` when `delayMs` milliseconds have passed from now; at once when that is 0 or less. Of several adds of a
   * key the earliest counts, whichever came first: a key that is wanted already is not delayed, and a periodic add has
   * to be made again by the run that it led to.
   */
  addAfter(key: Key, delayMs: number): void {
    if (this.#shuttingDown) return;
    checkKey(key);
    checkDelay(key, delayMs);
    this.#metrics?.retried();
    if (delayMs <= 0) this.add(key);
    else if (!this.#ready.has(key) && !this.#again.has(key)) this.#delays.add(key, delayMs);
  }

  /**
   * Adds `key` after the delay that the rate limiter gives it, which counts one failure. For a key whose processing
   * failed; an event is an {@link add}, or a busy key would be put off further by each of its own events.
   */
  addRateLimited(key: Key): void {
    if (this.#shuttingDown) return;
    this.addAfter(key, this.#rateLimiter.when(key));
  }

  /** Clears the failures of `key`, nothing else: it is still queued, delayed or to be `done`. */
  forget(key: Key): void {
    this.#rateLimiter.forget(key);
  }

  /** How many rate-limited adds of `key` there were since it was forgotten. */
  failures(key: Key): number {
    return this.#rateLimiter.failures(key);
  }

  /**
   * Hands out the next key as soon as there is one, to callers in the order in which they asked. Resolves with
   * undefined when the queue is shut down and nothing is ready, or `signal` aborts. A key that was handed out must be
   * given to {@link done} in any case, also when the signal aborted in the meantime. Never rejects.
   */
  get(signal?: AbortSignal): Promise<Key | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined);
    const key = this.tryGet();
    return key !== undefined || this.#shuttingDown ? Promise.resolve(key) : this.#getters.wait(signal);
  }

  /** Hands out the next key if one is ready now. It must be given to {@link done}. */
  tryGet(): Key | undefined {
    const key = this.#ready.shift();
    if (key === undefined) return undefined;
    this.#held.add(key);
    this.#metrics?.handedOut(key);
    return key;
  }

  /**
   * Ends the processing of `key`: exactly once for each hand-out, whatever became of it. When the key was added
   * meanwhile it now joins the end of the queue. For a key that isn't in processing nothing happens.
   */
  done(key: Key): void {
    if (!this.#held.delete(key)) return;
    this.#metrics?.done(key);
    if (!this.#again.delete(key)) return this.#closeWhenIdle();
    this.#ready.add(key);
    this.#announce();
  }

  /**
   * Tells `listener`, synchronously, whenever a key became ready that no `get` was waiting for; it takes the key with
   * {@link tryGet}, and may find it gone. A listener that throws disturbs neither the add nor the other listeners: its
   * error is thrown by itself, as an uncaught exception. Returns how to stop.
   */
  onReady(listener: () => void): () => void {
    const registration = { tell: listener };
    this.#listeners.add(registration);
    return () => void this.#listeners.delete(registration);
  }

  /**
   * Accepts no more adds, drops those that are delayed, and wakes every waiting `get`. What is ready, or was added
   * while in processing, is still handed out to whoever asks. Ends a {@link drain} that is under way.
   */
  shutDown(): void {
    this.#close();
    this.#drains.release();
  }

  /**
   * Shuts down, and resolves when everything that was accepted is done: nothing ready, nothing in processing. Workers
   * have to go on asking for keys meanwhile. After `timeoutMs` (default: no limit), or at a {@link shutDown}, it
   * resolves all the same and reports the keys that were left. (Delayed keys are dropped, and not reported.)
   *
   * @throws Invalid (as a rejection) when `timeoutMs` is negative or not finite.
   */
  async drain(timeoutMs?: number): Promise<DrainReport<Key>> {
    if (timeoutMs !== undefined) checkedNumber('drain timeoutMs', timeoutMs, { min: 0 });
    const report = this.#drains.wait(timeoutMs);
    this.#close();
    return report;
  }

  /** The key's time has come: it is ready now, or at done when a worker holds it. */
  #want(key: Key): void {
    const held = this.#held.has(key);
    const accepted = held ? this.#again.add(key) : this.#ready.add(key);
    if (!accepted) return;
    this.#metrics?.added(key);
    if (!held) this.#announce();
  }

  /** A key became ready: it is handed to a waiting `get`, or the listeners are told. */
  #announce(): void {
    if (this.#getters.size > 0) return this.#getters.answer(this.tryGet());
    for (const { tell } of this.#listeners) callIsolated(tell);
  }

  #close(): void {
    this.#shuttingDown = true;
    this.#delays.clear();
    this.#getters.dismiss();
    this.#closeWhenIdle();
  }

  /** The last that a queue does, once nothing that it accepted is left. */
  #closeWhenIdle(): void {
    if (!this.#shuttingDown || this.#held.size > 0 || this.#ready.size > 0) return;
    this.#drains.release();
    this.#metrics?.close();
  }
}

/** Keys are compared as Map keys: two equal objects would be two keys. */
function checkKey(key: string): void {
  if (typeof key === 'string') return;
  throw new SetpointError('Invalid', `a queue's key must be a string, but ${typeof key} was given`);
}

/** Infinity would wait for ever and NaN jump the heap's order: both are somebody's mistake. */
function checkDelay(key: string, delayMs: number): void {
  if (Number.isFinite(delayMs)) return;
  throw new SetpointError(
    'Invalid',
    `the delay of key "${key}" must be a finite number of milliseconds, but ${delayMs} was given`,
    { details: { key } },
  );
}

function callIsolated(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
