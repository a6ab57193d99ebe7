import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Cause, CauseInput } from './cause.ts';
import { checkedNumber } from './checked-number.ts';
import { defaultControllerLimiter } from './default-limiters.ts';
import { Delays } from './delays.ts';
import { Drains, type DrainReport } from './drains.ts';
import { type Fairness, FairList } from './fair-list.ts';
import { Getters } from './getters.ts';
import { KeyNotes } from './key-notes.ts';
import type { QueueEntry } from './queue-entry.ts';
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
  /** Whose keys take turns, at each priority. Default: nobody's, first in first out. */
  readonly fairness?: Fairness;
}

export interface AddNotes {
  /**
   * Keys of a higher priority are handed out first; an integer, default 0. Of several adds of a key the highest
   * counts. Of 16 hand-outs one goes to lower priorities, so none starves: `fair-list.ts` states the bound.
   */
  readonly priority?: number;
  /** Why the key is added, for {@link WorkQueue.inspect} and whoever it is handed to. */
  readonly cause?: CauseInput;
}

export interface AddOptions extends AddNotes {
  /** Wait this long before the key becomes ready, in milliseconds. Default: no wait. */
  readonly delayMs?: number;
  /** Count a failure and wait as {@link WorkQueue.addRateLimited} does; with a `delayMs`, the shorter of the two. */
  readonly rateLimited?: boolean;
}

export interface RateLimitedOptions extends AddNotes {
  /** Wait at least this long, whatever the rate limiter says: what an error asked for. */
  readonly atLeastMs?: number;
}

/**
 * A queue of keys for workers: see this folder's `index.ts` for what it promises.
 *
 * Every method but `get` and `drain` is synchronous. Those that add throw `Invalid` for a key that isn't a string, a
 * delay that isn't a finite number and a priority that isn't an integer; nothing else throws.
 */
export class WorkQueue<Key extends string = string> {
  /** Keys to hand out, in this order. None of them is held. A plain list until somebody uses priorities. */
  #ready: ReadyList<Key>;
  #knowsPriorities: boolean;
  /** Keys handed out and not yet done. */
  readonly #held = new SteadySet<Key>();
  /** Those of the held keys that were added meanwhile: they become ready at done. */
  readonly #again = new SteadySet<Key>();
  /** Keys whose time has not come. None of them is ready, nor to become so at done. */
  readonly #delays: Delays<Key>;
  /** Priorities and causes. Not there until the first of them is given: a plain queue doesn't pay for them. */
  #notes: KeyNotes<Key> | undefined;
  /** Callers of `get`. While there are any, `#ready` is empty. */
  readonly #getters = new Getters<Key>();
  readonly #drains: Drains<Key>;
  readonly #listeners = new Set<{ readonly tell: () => void }>();
  readonly #rateLimiter: RateLimiter;
  readonly #metrics: QueueMetrics | undefined;
  readonly #clock: Clock;
  #shuttingDown = false;

  constructor(options: WorkQueueOptions = {}) {
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.#knowsPriorities = options.fairness !== undefined;
    this.#ready = options.fairness === undefined ? new FifoList() : new FairList(options.fairness);
    this.#rateLimiter = options.rateLimiter ?? defaultControllerLimiter(clock);
    this.#delays = new Delays(clock, (key) => this.#want(key));
    this.#drains = new Drains(clock, () => [...this.#held.keys(), ...this.#ready.keys()]);
    this.#metrics = queueMetrics({ ...options, clock, depth: (priority) => this.#ready.count(priority) });
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
    if (options !== undefined) return this.#addWith(key, options);
    if (this.#shuttingDown) return;
    checkKey(key);
    const priority = this.#notes === undefined ? 0 : this.#note(key, NO_NOTES);
    this.#delays.cancel(key);
    this.#want(key, priority);
  }

  /**
   * Adds `key` when `delayMs` milliseconds have passed from now; at once when that is 0 or less. Of several adds of a
   * key the earliest counts, whichever came first: a key that is wanted already is not delayed, and a periodic add has
   * to be made again by the run that it led to.
   */
  addAfter(key: Key, delayMs: number, notes?: AddNotes): void {
    if (this.#shuttingDown) return;
    checkKey(key);
    checkDelay(key, delayMs);
    this.#metrics?.retried();
    const plain = notes === undefined && this.#notes === undefined;
    const priority = plain ? 0 : this.#note(key, notes ?? NO_NOTES);
    if (this.#ready.has(key)) this.#ready.add(key, priority); // it may have become more urgent
    if (delayMs <= 0) {
      this.#delays.cancel(key);
      this.#want(key, priority);
    } else if (!this.#ready.has(key) && !this.#again.has(key)) this.#delays.add(key, delayMs);
  }

  /**
   * Adds `key` after the delay that the rate limiter gives it, which counts one failure. For a key whose processing
   * failed; an event is an {@link add}, or a busy key would be put off further by each of its own events. Returns the
   * delay, in milliseconds; 0 after shutdown.
   */
  addRateLimited(key: Key, options?: RateLimitedOptions): number {
    if (this.#shuttingDown) return 0;
    const delayMs = Math.max(this.#rateLimiter.when(key), options?.atLeastMs ?? 0);
    this.addAfter(key, delayMs, options);
    return delayMs;
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
    this.#notes?.handedOut(key);
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
    this.#notes?.done(key);
    if (!this.#again.delete(key)) return this.#closeWhenIdle();
    this.#ready.add(key, this.#notes?.priority(key) ?? 0);
    this.#announce();
  }

  /**
   * Ends the processing of `key` without it having been worked on: it keeps its priority and causes, and is ready again
   * after `delayMs`, or earlier when it is added. Infinity: not before it is added.
   */
  putBack(key: Key, delayMs: number): void {
    if (!this.#held.has(key)) return;
    if (delayMs !== Infinity) checkDelay(key, delayMs);
    const again = this.#again.has(key);
    this.#notes?.putBack(key, again || this.#delays.has(key));
    this.done(key);
    if (again || this.#shuttingDown) return;
    if (delayMs > 0) return this.#delays.add(key, delayMs);
    this.#delays.cancel(key);
    this.#want(key);
  }

  /** The priority that `key`, which is in processing, was handed out with. A repetition should be given the same. */
  heldPriority(key: Key): number {
    return this.#notes?.heldPriority(key) ?? 0;
  }

  /** Why `key`, which is in processing, was handed out: as far as its adds said so, merged and bounded. */
  heldCauses(key: Key): readonly Cause[] {
    return this.#notes?.heldCauses(key) ?? [];
  }

  /** Since when `key`, which is in processing, had been wanted, by the clock; undefined when nobody noted it. */
  heldSince(key: Key): number | undefined {
    return this.#notes?.heldSince(key);
  }

  /** What the queue knows of `key`; undefined when that is nothing. */
  look(key: Key): QueueEntry<Key> | undefined {
    const held = this.#held.has(key);
    const waiting = this.#ready.has(key) || this.#again.has(key);
    const readyInMs = waiting ? 0 : this.#delays.leftMs(key);
    if (!held && readyInMs === undefined) return undefined;
    const { priority = 0, since, causes = [] } = this.#notes?.look(key) ?? {};
    return {
      key,
      state: held ? 'processing' : waiting ? 'ready' : 'delayed',
      priority,
      failures: this.failures(key),
      readyInMs,
      ageMs: since === undefined ? undefined : this.#clock.now() - since,
      causes,
    };
  }

  /**
   * The keys that are in processing, ready and delayed, in this order, `limit` at most (default 1000). A look at a
   * moment: it costs time with every key, and belongs into debugging and not into the work.
   */
  inspect(limit = 1000): readonly QueueEntry<Key>[] {
    const entries: QueueEntry<Key>[] = [];
    const tell = (keys: Iterable<Key>, skipHeld: boolean): void => {
      for (const key of keys) {
        if (entries.length >= limit) return;
        const entry = skipHeld && this.#held.has(key) ? undefined : this.look(key);
        if (entry) entries.push(entry);
      }
    };
    tell(this.#held.keys(), false);
    tell(this.#ready.keys(), true);
    tell(this.#delays.keys(), true);
    return entries;
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
  #want(key: Key, priority: number = this.#notes?.priority(key) ?? 0): void {
    const held = this.#held.has(key);
    const accepted = held ? this.#again.add(key) : this.#ready.add(key, priority);
    if (!accepted) return;
    this.#metrics?.added(key, priority);
    if (!held) this.#announce();
  }

  #addWith(key: Key, options: AddOptions): void {
    if (this.#shuttingDown) return;
    const { delayMs, rateLimited } = options;
    if (rateLimited === true) {
      const limited = this.#rateLimiter.when(key);
      this.addAfter(key, Math.min(limited, delayMs ?? limited), options);
    } else if (delayMs !== undefined) this.addAfter(key, delayMs, options);
    else {
      checkKey(key);
      const priority = this.#note(key, options);
      this.#delays.cancel(key);
      this.#want(key, priority);
    }
  }

  /** Gives the priority of all adds of the key that wait. */
  #note(key: Key, { priority = 0, cause }: AddNotes): number {
    if (!Number.isSafeInteger(priority)) throw invalidPriority(key, priority);
    if (priority !== 0 && !this.#knowsPriorities) this.#learnPriorities();
    this.#notes ??= new KeyNotes(this.#clock);
    // Only to a lower priority than that of the others does it matter whether there are any.
    const wanted = priority < 0 && (this.#ready.has(key) || this.#again.has(key) || this.#delays.has(key));
    return this.#notes.add(key, priority, cause, wanted);
  }

  #learnPriorities(): void {
    const ready = new FairList<Key>();
    for (const key of this.#ready.keys()) ready.add(key, 0);
    this.#ready = ready;
    this.#knowsPriorities = true;
  }

  /** A key became ready: it is handed to a waiting `get`, or the listeners are told. */
  #announce(): void {
    if (this.#getters.size > 0) return this.#getters.answer(this.tryGet());
    for (const { tell } of this.#listeners) callIsolated(tell);
  }

  #close(): void {
    this.#shuttingDown = true;
    this.#delays.clear();
    this.#notes?.drop((key) => !this.#ready.has(key) && !this.#again.has(key));
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

const NO_NOTES: AddNotes = {};

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

function invalidPriority(key: string, priority: number): SetpointError {
  const message = `the priority of key "${key}" must be an integer, but ${String(priority)} was given`;
  return new SetpointError('Invalid', message, { details: { key } });
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
