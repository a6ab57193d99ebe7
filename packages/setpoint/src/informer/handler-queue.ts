import { SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { TimeSlice } from '../internal/time-slice.ts';
import type { CacheChange } from './change.ts';
import type { EventHandler, EventHandlerOptions } from './event-handler.ts';
import type { Entry } from './lister.ts';
import { PendingChange } from './pending-change.ts';
import { Waiters } from './waiters.ts';

export interface HandlerQueueOptions<T> extends EventHandlerOptions<T> {
  readonly name: string;
  readonly clock: Clock;
  readonly slice: TimeSlice;
  /** Told of what the handler or its filter throws. Must not throw. */
  readonly onError: (error: unknown, during: 'handler' | 'filter', key: string) => void;
}

/**
 * Calls one handler, one change at a time, at the handler's own pace. A handler that returns without a promise is
 * called within {@link push} and sees every change. While one is busy its changes wait here and add up by key, so
 * that at most one record for each key waits, however long it takes.
 *
 * Keys are told in the order of their first waiting change: a key that changes all the time can't push others back.
 */
export class HandlerQueue<T> {
  readonly name: string;
  readonly #handler: EventHandler<T>;
  readonly #filter: EventHandlerOptions<T>['filter'];
  readonly #slice: TimeSlice;
  readonly #onError: HandlerQueueOptions<T>['onError'];
  readonly #syncWaiters: Waiters;
  readonly #pending = new Map<string, PendingChange<T>>();
  /** What was there when the handler came, and how much of it was told: all of it comes before anything pending. */
  #initial: readonly Entry<T>[] = [];
  #initialTold = 0;
  #calling = false;
  #closed = false;
  /** What comes waits, however quick the handler is. */
  #held = false;
  /** Whether the initial list is all in: what comes later is news. */
  #listed = false;
  /** Adds of the initial list that the handler has not finished. */
  #initialLeft = 0;

  constructor(handler: EventHandler<T>, options: HandlerQueueOptions<T>) {
    this.name = options.name;
    this.#handler = handler;
    this.#filter = options.filter;
    this.#slice = options.slice;
    this.#onError = options.onError;
    this.#syncWaiters = new Waiters(options.clock);
  }

  get pending(): number {
    return this.#pending.size + this.#initial.length - this.#initialTold;
  }

  get hasSynced(): boolean {
    return this.#listed && this.#initialLeft === 0;
  }

  whenSynced(signal?: AbortSignal, options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    return this.#syncWaiters.wait(`${this.name} to finish its initial list`, () => this.hasSynced, {
      ...options,
      signal,
    });
  }

  /** Tells the change now, or once what waits before it was told. */
  push(change: CacheChange<T>): void {
    if (this.#calling || this.#held || this.#closed) return this.#enqueue(change);
    const seen = this.#filtered(change);
    if (seen.before || seen.after) this.#tellNow(seen);
  }

  /** Tells of an object that did not change, unless something waits to be told of its key. */
  repeat(entry: Entry<T>): void {
    const { key } = entry;
    if (!this.#pending.has(key)) this.push({ key, before: entry, after: entry, revision: entry.modRevision });
  }

  /** Starts no call until {@link release}; what comes meanwhile adds up by key. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (!this.#calling && this.pending > 0) void this.#drain();
  }

  /** Takes the objects there are as the initial list, before anything is pushed; the calls start in a later turn. */
  replay(entries: readonly Entry<T>[]): void {
    this.#initial = entries;
    this.#initialLeft += entries.length;
    if (this.#held || entries.length === 0) return;
    this.#calling = true;
    queueMicrotask(() => void this.#drain());
  }

  /** Says that the initial list is all in. Saying it again changes nothing. */
  endOfInitialList(): void {
    this.#listed = true;
    this.#syncWaiters.check();
  }

  /** Drops what waits; no call starts after this. */
  close(reason: string): void {
    this.#closed = true;
    this.#pending.clear();
    this.#initial = [];
    this.#initialTold = 0;
    this.#syncWaiters.close(new SetpointError('Closed', `${this.name}: ${reason}`));
  }

  #enqueue(change: CacheChange<T>): void {
    if (this.#closed) return;
    const seen = this.#filtered(change);
    if (!seen.before && !seen.after) return;
    const waiting = this.#pending.get(seen.key);
    if (!waiting) {
      const initial = !this.#listed;
      if (initial) this.#initialLeft++;
      this.#pending.set(seen.key, new PendingChange(seen, initial));
      return;
    }
    waiting.merge(seen);
    if (!waiting.isNothing) return;
    this.#pending.delete(seen.key);
    this.#settled(waiting);
  }

  /** Tells one change while nothing waits: nothing is kept of it unless the handler returns a promise. */
  #tellNow(change: CacheChange<T>): void {
    const initial = !this.#listed;
    if (initial) this.#initialLeft++;
    this.#calling = true;
    const outcome = this.#invoke(() => callFor(this.#handler, change, initial), change.key);
    if (outcome) return void this.#goOn(outcome, initial);
    this.#calling = false;
    if (initial) this.#initialDone();
    // The handler itself may have led to changes.
    if (this.#pending.size > 0 && !this.#held && !this.#closed) void this.#drain();
  }

  async #goOn(outcome: Promise<unknown>, initial: boolean): Promise<void> {
    await outcome;
    if (this.#closed) return;
    if (initial) this.#initialDone();
    await this.#drain();
  }

  /** Tells what waits until nothing does. What is pushed meanwhile is picked up: Map iteration sees later entries. */
  async #drain(): Promise<void> {
    this.#calling = true;
    while (this.#initialTold < this.#initial.length && !this.#held) {
      const outcome = this.#tellInitial(this.#initial[this.#initialTold++]!);
      if (outcome) await outcome;
      if (this.#closed) return;
      this.#initialDone();
      if (this.pending > 0 && this.#slice.due()) await this.#slice.rest();
      if (this.#closed) return;
    }
    if (!this.#held) [this.#initial, this.#initialTold] = [[], 0];
    for (const [key, change] of this.#pending) {
      if (this.#held) break;
      this.#pending.delete(key);
      for (const call of change.calls(this.#handler)) {
        const outcome = this.#invoke(call, key);
        if (outcome) await outcome;
        if (this.#closed) return;
      }
      this.#settled(change);
      if (this.#pending.size > 0 && this.#slice.due()) await this.#slice.rest();
      if (this.#closed) return;
    }
    this.#calling = false;
  }

  /** Tells of one object of the initial list, in its state of now. As {@link #invoke}. */
  #tellInitial(entry: Entry<T>): Promise<unknown> | undefined {
    const { key } = entry;
    if (!this.#passes(entry.object, key)) return undefined;
    const waiting = this.#pending.get(key);
    const isOver = waiting?.isOver ?? false;
    waiting?.untold();
    if (waiting && (!isOver || waiting.isNothing)) {
      this.#pending.delete(key);
      this.#settled(waiting);
    }
    if (isOver) return undefined;
    const after = waiting?.now ?? entry;
    const change = { key, before: undefined, after, revision: after.modRevision };
    return this.#invoke(() => callFor(this.#handler, change, true), key);
  }

  /** A promise that never rejects while the handler is at it, undefined when it has returned. */
  #invoke(call: () => unknown, key: string): Promise<unknown> | undefined {
    const failed = (error: unknown): void => this.#onError(error, 'handler', key);
    try {
      const outcome = call();
      return isThenable(outcome) ? Promise.resolve(outcome).catch(failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #settled(change: PendingChange<T>): void {
    if (change.initial) this.#initialDone();
  }

  #initialDone(): void {
    this.#initialLeft--;
    if (this.hasSynced) this.#syncWaiters.check();
  }

  /** The change as it looks to someone who sees only what passes the filter. */
  #filtered(change: CacheChange<T>): CacheChange<T> {
    if (!this.#filter) return change;
    const { key, before, after, revision } = change;
    return {
      key,
      before: before && this.#passes(before.object, key) ? before : undefined,
      after: after && this.#passes(after.object, key) ? after : undefined,
      revision,
    };
  }

  #passes(object: T, key: string): boolean {
    try {
      return this.#filter?.(object, key) ?? true;
    } catch (error) {
      this.#onError(error, 'filter', key);
      return true;
    }
  }
}

/** The one call that a change is told by. */
function callFor<T>(handler: EventHandler<T>, change: CacheChange<T>, inInitialList: boolean): unknown {
  const { key, before, after, revision } = change;
  if (!after) return handler.delete?.(before!.object, { key, revision });
  if (before) return handler.update?.(before.object, after.object, { key, revision });
  return handler.add?.(after.object, { key, revision, inInitialList });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
