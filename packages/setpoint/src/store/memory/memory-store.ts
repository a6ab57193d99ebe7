import { SetpointError } from '../../errors/index.ts';
import { type Clock, systemClock } from '../../internal/clock.ts';
import { letManyListen } from '../../internal/many-listeners.ts';
import { type Random, systemRandom } from '../../internal/random.ts';
import {
  checkCompact,
  checkDelete,
  checkLeaseGrant,
  checkLeaseId,
  checkPut,
  checkRange,
  checkTxn,
  checkWatch,
} from '../check-request.ts';
import { checkBehindMax, farBehind } from '../far-behind.ts';
import type {
  Alarm,
  CallOptions,
  DeleteRequest,
  DeleteResponse,
  LeaseGrantResponse,
  LeaseTimeToLiveResponse,
  Member,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  Revision,
  Store,
  StoreStatus,
  TxnRequest,
  TxnResponse,
  WatchBatch,
  WatchOptions,
  WatchRequest,
} from '../port.ts';
import { EventLog } from './event-log.ts';
import { KeyIndex } from './key-index.ts';
import { LeaseTable } from './leases.ts';
import { answerRange } from './range-query.ts';
import { checkPlan, checkPuttable, checkReadable, compactedError, planTxn, runPlan } from './transaction.ts';
import { WatchHub } from './watch-hub.ts';
import { Watcher } from './watcher.ts';
import { Writer, type WriterStore } from './writer.ts';

export interface MemoryStoreOptions {
  /** Drives leases and progress marks. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Makes lease ids. Default: the machine's own. */
  readonly random?: Random;
  /** How many revisions one batch of a watch carries at most. Default 1,000, as etcd. */
  readonly watchBatchRevisions?: number;
  /** A shorter TTL is raised to this. Default 2 s, etcd's minimum with its default election timeout. */
  readonly minLeaseTtlSeconds?: number;
  /**
   * How long after a revision that did not concern it a watch is told how far the store has come. Default 1,000 ms.
   * (etcd's default is ten minutes; marks cost nothing here.)
   */
  readonly progressNotifyMs?: number;
  /** Where revisions begin. Default 1, as a new etcd; a larger one is for testing revisions past 2⁵³. */
  readonly initialRevision?: Revision;
}

/** Validates the options (`Invalid`) and returns a new, empty {@link MemoryStore}. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options);
}

const MEMBER_ID = '1';
const ENDPOINT = 'memory';

/**
 * etcd's data model in this process: see the essay in `../index.ts`. Every call takes effect, whole, at the moment it
 * is made, and answers through a promise; nothing waits for timers. An aborted `signal` refuses a call that has not
 * been made; once made it is done.
 */
export class MemoryStore implements Store {
  readonly #index = new KeyIndex();
  readonly #log = new EventLog();
  readonly #leases: LeaseTable;
  readonly #hub: WatchHub;
  readonly #parts: WriterStore;
  readonly #batchRevisions: number;
  #revision: Revision;
  /** The last compaction; below the first revision as long as there was none. */
  #compacted: Revision = -1n;
  #closed = false;

  constructor(options: MemoryStoreOptions = {}) {
    const clock = options.clock ?? systemClock;
    const random = options.random ?? systemRandom;
    this.#batchRevisions = positive(options.watchBatchRevisions ?? 1000, 'watchBatchRevisions');
    this.#revision = options.initialRevision ?? 1n;
    if (typeof this.#revision !== 'bigint' || this.#revision < 1n) {
      throw new SetpointError(
        'Invalid',
        `memoryStore.initialRevision: expected a bigint from 1n, received ${this.#revision}`,
      );
    }
    const minTtlSeconds = positive(options.minLeaseTtlSeconds ?? 2, 'minLeaseTtlSeconds');
    const progressMs = positive(options.progressNotifyMs ?? 1000, 'progressNotifyMs');
    this.#leases = new LeaseTable({ clock, random, minTtlSeconds, onExpired: (id) => this.#revoke(id) });
    this.#parts = { index: this.#index, log: this.#log, leases: this.#leases };
    this.#hub = new WatchHub({ clock, progressMs, now: this.#revision });
  }

  async range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    checkRange(request);
    this.#begin(options);
    if (request.revision) checkReadable(request.revision, this.#compacted, this.#revision);
    return answerRange(this.#parts, request, this.#revision);
  }

  async put(request: PutRequest, options?: CallOptions): Promise<PutResponse> {
    checkPut(request);
    this.#begin(options);
    checkPuttable(request, this.#index, this.#leases);
    return this.#write((writer) => writer.put(request));
  }

  async delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResponse> {
    checkDelete(request);
    this.#begin(options);
    return this.#write((writer) => writer.delete(request));
  }

  async txn(request: TxnRequest, options?: CallOptions): Promise<TxnResponse> {
    checkTxn(request);
    this.#begin(options);
    const plan = planTxn(this.#index, request);
    checkPlan(
      plan,
      (put) => checkPuttable(put, this.#index, this.#leases),
      (revision) => checkReadable(revision, this.#compacted, this.#revision),
    );
    return this.#write((writer) => runPlan(plan, writer));
  }

  watch(request: WatchRequest, options: WatchOptions = {}): AsyncIterable<WatchBatch> {
    checkWatch(request);
    checkBehindMax(options.behindMax);
    return { [Symbol.asyncIterator]: () => this.#watch(request, options) };
  }

  async compact(revision: Revision, options?: CallOptions): Promise<void> {
    checkCompact(revision);
    this.#begin(options);
    if (revision <= this.#compacted) throw compactedError(revision, this.#compacted);
    checkReadable(revision, this.#compacted, this.#revision);
    this.#compacted = revision;
    this.#hub.compact(revision);
    for (const { text } of this.#log.compact(revision)) this.#index.compact(text, revision);
  }

  async leaseGrant(
    request: { readonly ttlSeconds: number; readonly id?: bigint },
    options?: CallOptions,
  ): Promise<LeaseGrantResponse> {
    checkLeaseGrant(request);
    this.#begin(options);
    const { id, ttlSeconds } = this.#leases.grant(request.ttlSeconds, request.id || undefined);
    return { id, ttlSeconds };
  }

  async leaseKeepAlive(id: bigint, options?: CallOptions): Promise<{ readonly ttlSeconds: number }> {
    checkLeaseId(id);
    this.#begin(options);
    return { ttlSeconds: this.#leases.renew(id).ttlSeconds };
  }

  async leaseRevoke(id: bigint, options?: CallOptions): Promise<void> {
    checkLeaseId(id);
    this.#begin(options);
    this.#revoke(id);
  }

  async leaseTimeToLive(
    id: bigint,
    options?: CallOptions & { readonly keys?: boolean },
  ): Promise<LeaseTimeToLiveResponse> {
    checkLeaseId(id);
    this.#begin(options);
    return this.#leases.timeToLive(id, options?.keys === true);
  }

  async leases(options?: CallOptions): Promise<readonly bigint[]> {
    this.#begin(options);
    return this.#leases.ids();
  }

  async status(options?: CallOptions): Promise<readonly StoreStatus[]> {
    this.#begin(options);
    return [
      {
        endpoint: ENDPOINT,
        version: '3.5.0+memory',
        clusterId: '1',
        memberId: MEMBER_ID,
        revision: this.#revision,
        dbSizeBytes: this.#index.bytes,
        leaderId: MEMBER_ID,
        raftTerm: 1n,
        isLearner: false,
        errors: [],
      },
    ];
  }

  async members(options?: CallOptions): Promise<readonly Member[]> {
    this.#begin(options);
    return [{ id: MEMBER_ID, name: 'memory', peerUrls: [], clientUrls: [], isLearner: false }];
  }

  /** There is no quota and no disk, so nothing raises an alarm. */
  async alarms(options?: CallOptions): Promise<readonly Alarm[]> {
    this.#begin(options);
    return [];
  }

  /** Disarming what is not raised does nothing, as in etcd. */
  async disarm(_alarm: Alarm, options?: CallOptions): Promise<void> {
    this.#begin(options);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#leases.close();
    this.#hub.close(closedError());
  }

  #begin(options: CallOptions | undefined): void {
    if (this.#closed) throw closedError();
    if (options?.signal?.aborted) {
      throw new SetpointError('Aborted', 'the call was given up before it was made', { cause: options.signal.reason });
    }
    this.#leases.expire();
  }

  #write<T>(work: (writer: Writer) => T): T {
    const writer = new Writer(this.#parts, this.#revision);
    const result = work(writer);
    if (writer.changes.length > 0) {
      this.#revision = writer.revision;
      const entry = { revision: this.#revision, events: writer.changes };
      this.#log.append(entry);
      this.#hub.publish(entry);
    }
    return result;
  }

  #revoke(id: bigint): void {
    const keys = this.#leases.remove(id);
    this.#write((writer) => {
      for (const key of keys) writer.deleteKey(key);
    });
  }

  #watch(request: WatchRequest, { signal, progress, behindMax }: WatchOptions): AsyncIterator<WatchBatch> {
    if (this.#closed) return failed(closedError());
    this.#leases.expire();
    const next = request.startRevision || undefined;
    const tooFar = farBehind(next, this.#revision, behindMax, 'a watch of the memory store');
    if (tooFar) return failed(tooFar);
    const onAbort = (): void => watcher.stop();
    const forget = progress?.onRequest(() => watcher.markProgress(this.#revision));
    const watcher = new Watcher(request, {
      log: this.#log,
      now: this.#revision,
      batchRevisions: this.#batchRevisions,
      onDrained: (drained) => this.#hub.lag(drained),
      onEnd: (ended) => {
        signal?.removeEventListener('abort', onAbort);
        forget?.();
        this.#hub.remove(ended);
      },
    });
    if (signal?.aborted) {
      watcher.stop();
    } else if (request.startRevision && request.startRevision < this.#compacted) {
      watcher.stop(compactedError(request.startRevision, this.#compacted));
    } else {
      if (signal) letManyListen(signal);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#hub.add(watcher);
    }
    return watcher;
  }
}

/** An iteration that fails at its first step and is over then. */
function failed(error: unknown): AsyncIterator<WatchBatch> {
  const steps = [() => Promise.reject(error)];
  return { next: () => steps.pop()?.() ?? Promise.resolve({ done: true, value: undefined }) };
}

function closedError(): SetpointError {
  return new SetpointError('Closed', 'the memory store has been closed');
}

function positive(value: number, name: string): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new SetpointError('Invalid', `memoryStore.${name}: expected a number above 0, received ${value}`);
}
