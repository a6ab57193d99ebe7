import { isSetpointError, SetpointError } from '../../errors/index.ts';
import type { Clock, Timer } from '../../internal/clock.ts';
import { checkDelete, checkPut, checkTxn } from '../check-request.ts';
import type { CallOptions, Operation, Store } from '../port.ts';
import type { Footprint } from './footprint.ts';
import type { WriteAnswer } from './member-answer.ts';
import { ownOperation } from './own-operation.ts';
import { PendingWrite } from './pending-write.ts';
import { SharedCall } from './shared-call.ts';
import { WriteLine } from './write-line.ts';

export interface CombinerSettings {
  readonly maxMembers: number;
  readonly maxInFlight: number;
  /** For writes that don't say. Absent: only the store limits them. */
  readonly timeoutMs: number | undefined;
  readonly clock: Clock;
  readonly footprintOf: (operation: Operation) => Footprint;
}

/**
 * Sends writes: at once while fewer than `maxInFlight` calls are under way, and otherwise, when one of them has ended,
 * together with what waits beside them.
 */
export class WriteCombiner {
  readonly #store: Store;
  readonly #settings: CombinerSettings;
  readonly #line = new WriteLine();
  readonly #calls = new Set<SharedCall>();
  #inFlight = 0;
  #flushing = false;
  #closed = false;
  /** Since the store complained of its space, and until something was put again, each write goes by itself. */
  #storeFull = false;
  /** Not above the deadline of any write that waits or shares a call. */
  #earliest = Infinity;
  #timer: { readonly due: number; readonly timer: Timer } | undefined;

  constructor(store: Store, settings: CombinerSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  write(operation: Operation, options: CallOptions = {}): Promise<WriteAnswer> {
    try {
      return this.#accept(operation, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whatever waits fails with `Closed`; what is under way is the store's to end. */
  close(): void {
    this.#closed = true;
    for (const write of this.#line.all()) {
      write.fail('Closed', 'the store was closed, nothing was sent');
      this.#line.oneHasSettled();
    }
    this.#watchDeadlines();
  }

  #accept(operation: Operation, options: CallOptions): Promise<WriteAnswer> {
    if (this.#closed || options.signal?.aborted) return callAlone(this.#store, operation, options);
    check(operation);
    const write = this.#pending(ownOperation(operation), options);
    if (write.alone && !this.#line.mustFollow(write)) {
      void this.#sendAlone(write);
    } else {
      this.#line.add(write);
      this.#earliest = Math.min(this.#earliest, write.deadline);
      this.#flushSoon();
    }
    return write.outcome;
  }

  #pending(operation: Operation, options: CallOptions): PendingWrite {
    const { clock, footprintOf } = this.#settings;
    return new PendingWrite({
      operation,
      options,
      calledAt: clock.now(),
      timeoutMs: timeout(options.timeoutMs) ?? this.#settings.timeoutMs,
      footprintOf,
      onAbort: (write) => this.#abort(write),
    });
  }

  /** Once the running jobs are done, so that writes which are made together travel together. */
  #flushSoon(): void {
    if (this.#flushing) return;
    if (this.#inFlight >= this.#settings.maxInFlight) return this.#watchDeadlines();
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { maxMembers, maxInFlight } = this.#settings;
    while (this.#line.length > 0 && this.#inFlight < maxInFlight) {
      const members = this.#line.take(this.#storeFull ? 1 : maxMembers);
      this.#inFlight++;
      void this.#send(members).then(() => {
        this.#inFlight--;
        this.#flushSoon();
      });
    }
    this.#watchDeadlines();
  }

  /** Sends writes that may share a call; those of a call that was refused once more, in halves. Never rejects. */
  async #send(members: readonly PendingWrite[]): Promise<void> {
    if (members.length === 1) return this.#sendAlone(members[0]!);
    const call = new SharedCall(members);
    this.#calls.add(call);
    const giveUp = (member: PendingWrite): void => call.giveUp(member, 'its caller gave it up');
    for (const member of members) member.onAbort = giveUp;
    const { refused, error } = await call.send(this.#store, this.#settings.clock);
    this.#calls.delete(call);
    this.#noteSpace(members, error);
    if (!refused) return;
    const left = members.filter((member) => !member.settled);
    const half = Math.ceil(left.length / 2);
    const halves = [left.slice(0, half), left.slice(half)].filter((part) => part.length > 0);
    await Promise.all(halves.map((part) => this.#send(part)));
  }

  /** Makes the very call that the caller made, with what is left of its time. Never rejects. */
  async #sendAlone(write: PendingWrite): Promise<void> {
    const { timeoutMs, calledAt, options, operation } = write;
    const waitedMs = this.#settings.clock.now() - calledAt;
    if (timeoutMs !== undefined && waitedMs >= timeoutMs) return expireWaiting(write);
    // From here on the store listens to its signal and measures its time.
    write.handOver();
    const late = timeoutMs !== undefined && waitedMs >= 1;
    try {
      const left = late ? { ...options, timeoutMs: Math.ceil(timeoutMs - waitedMs) } : options;
      write.answer(await callAlone(this.#store, operation, left));
      this.#noteSpace([write], undefined);
    } catch (error) {
      this.#noteSpace([write], error);
      write.reject(error);
    }
  }

  /** etcd fails a whole call for space that one member wants: then deletes, which would help, must not be members. */
  #noteSpace(members: readonly PendingWrite[], error: unknown): void {
    const { cause } = (error ?? {}) as { readonly cause?: unknown };
    if (isSetpointError(error, 'NoSpace') || isSetpointError(cause, 'NoSpace')) this.#storeFull = true;
    else if (error === undefined && this.#storeFull) {
      this.#storeFull = members.every(({ operation }) => 'delete' in operation);
    }
  }

  #abort(write: PendingWrite): void {
    write.fail('Aborted', 'its caller gave it up while it waited, nothing was sent', write.options.signal?.reason);
    this.#line.oneHasSettled();
    this.#watchDeadlines();
  }

  /** Keeps one timer for all that wait or share a call: at the earliest deadline, or before it. */
  #watchDeadlines(): void {
    if (this.#line.length === 0 && this.#calls.size === 0) this.#earliest = Infinity;
    if (this.#earliest < (this.#timer?.due ?? Infinity)) {
      const { clock } = this.#settings;
      this.#timer?.timer.cancel();
      const timer = clock.setTimer(() => this.#expire(), this.#earliest - clock.now());
      this.#timer = { due: this.#earliest, timer };
    } else if (this.#earliest === Infinity) {
      this.#timer?.timer.cancel();
      this.#timer = undefined;
    }
  }

  #expire(): void {
    this.#timer = undefined;
    this.#earliest = Infinity;
    const now = this.#settings.clock.now();
    for (const write of this.#line.all()) {
      if (write.deadline > now) this.#earliest = Math.min(this.#earliest, write.deadline);
      else {
        expireWaiting(write);
        this.#line.oneHasSettled();
      }
    }
    for (const call of this.#calls) this.#earliest = Math.min(this.#earliest, call.expire(now));
    this.#watchDeadlines();
  }
}

function expireWaiting(write: PendingWrite): void {
  write.fail('Unavailable', `waited ${write.timeoutMs} ms for the calls before it, nothing was sent`);
}

function check(operation: Operation): void {
  if ('put' in operation) checkPut(operation.put);
  else if ('delete' in operation) checkDelete(operation.delete);
  else if ('txn' in operation) checkTxn(operation.txn);
}

function timeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined || (timeoutMs > 0 && timeoutMs < Infinity)) return timeoutMs;
  throw new SetpointError('Invalid', `timeoutMs: expected a number of milliseconds above 0, received ${timeoutMs}`, {
    details: { path: 'timeoutMs' },
  });
}

function callAlone(store: Store, operation: Operation, options: CallOptions): Promise<WriteAnswer> {
  if ('put' in operation) return store.put(operation.put, options);
  if ('delete' in operation) return store.delete(operation.delete, options);
  if ('txn' in operation) return store.txn(operation.txn, options);
  throw new TypeError('a read is not sent as a write');
}
