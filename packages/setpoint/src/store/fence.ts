import { SetpointError, isSetpointError } from '../errors/index.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import { checkWatch } from './check-request.ts';
import { checkBehindMax } from './far-behind.ts';
import { MAX_TXN_OPERATIONS } from './limits.ts';
import type {
  Alarm,
  CallOptions,
  Compare,
  DeleteRequest,
  DeleteResponse,
  LeaseGrantResponse,
  LeaseTimeToLiveResponse,
  Member,
  Operation,
  OperationResponse,
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
} from './port.ts';

/** What the holder of a lock, a leadership or a shard must still be true of for its writes to count. */
export interface Fence {
  /** Conditions in the store that every write carries, such as "my lock key has this create revision". */
  readonly compares?: readonly Compare[];
  /**
   * Aborts when the holder must stop. From then on every call fails with its reason as the cause: with `LockLost` when
   * that is one, otherwise with `Closed`.
   */
  readonly signal?: AbortSignal;
  /**
   * Asked before each call is sent and before its answer is handed on, in case time ran out while nothing could run
   * (a blocked event loop, a frozen process). It makes `signal` abort where the holder's time is up. Must not throw.
   */
  readonly check?: () => void;
  /** Whose handle it is, for errors: such as `controller 'apps' at default/web`. */
  readonly holder?: string;
  /** Told that the store refused a write, because the compares no longer hold. Must not throw. */
  readonly onRefused?: () => void;
}

/** How many operations one transaction through a handle with this fence may have. */
export function operationsLeft({ compares = [] }: Fence): number {
  return compares.length === 0 ? MAX_TXN_OPERATIONS : MAX_TXN_OPERATIONS - compares.length;
}

/**
 * A handle to `store` that dies with its fence.
 *
 * With compares every put, delete and transaction becomes one transaction with those around it, so whether the holder
 * still holds is decided together with the write: when it doesn't, nothing is written and the call fails with
 * `LockLost`. A transaction may have as many operations less as the fence has compares (at least one less).
 *
 * Reads, watches, leases and compaction pass through while the signal has not aborted; they are not conditional. A
 * watch ends with `Closed` when the signal aborts. Closing the handle leaves `store` open.
 */
export function fenceStore(store: Store, fence: Fence): Store {
  return new FencedStore(store, fence);
}

class FencedStore implements Store {
  readonly #store: Store;
  readonly #compares: readonly Compare[];
  readonly #signal: AbortSignal | undefined;
  readonly #fence: Fence;
  /** Ends the calls under way. One for all of them, from the first on; it follows the fence's signal while there are any. */
  #life: LinkedAbort | undefined;
  #underWay = 0;
  #closed = false;

  constructor(store: Store, fence: Fence) {
    this.#store = store;
    this.#compares = fence.compares ?? [];
    this.#signal = fence.signal;
    this.#fence = fence;
  }

  range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    return this.#call(options, (inner) => this.#store.range(request, inner));
  }

  async put(request: PutRequest, options?: CallOptions): Promise<PutResponse> {
    if (this.#unconditional) return this.#call(options, (inner) => this.#store.put(request, inner));
    const response = await this.#write({ put: request }, options);
    return (response as Extract<OperationResponse, { put: PutResponse }>).put;
  }

  async delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResponse> {
    if (this.#unconditional) return this.#call(options, (inner) => this.#store.delete(request, inner));
    const response = await this.#write({ delete: request }, options);
    return (response as Extract<OperationResponse, { delete: DeleteResponse }>).delete;
  }

  async txn(request: TxnRequest, options?: CallOptions): Promise<TxnResponse> {
    if (this.#unconditional) return this.#call(options, (inner) => this.#store.txn(request, inner));
    const response = await this.#write({ txn: request }, options);
    return (response as Extract<OperationResponse, { txn: TxnResponse }>).txn;
  }

  watch(request: WatchRequest, options: WatchOptions = {}): AsyncIterable<WatchBatch> {
    checkWatch(request);
    checkBehindMax(options.behindMax);
    return { [Symbol.asyncIterator]: () => this.#watch(request, options) };
  }

  async *#watch(request: WatchRequest, options: WatchOptions): AsyncGenerator<WatchBatch> {
    this.#assertOpen();
    const link = linkedAbort(options.signal, this.#enter());
    try {
      yield* this.#store.watch(request, { ...options, signal: link.signal });
      if (!options.signal?.aborted) this.#assertOpen();
    } finally {
      link.unlink();
      this.#leave();
    }
  }

  compact(revision: Revision, options?: CallOptions): Promise<void> {
    return this.#call(options, (inner) => this.#store.compact(revision, inner));
  }

  leaseGrant(
    request: { readonly ttlSeconds: number; readonly id?: bigint },
    options?: CallOptions,
  ): Promise<LeaseGrantResponse> {
    return this.#call(options, (inner) => this.#store.leaseGrant(request, inner));
  }

  leaseKeepAlive(id: bigint, options?: CallOptions): Promise<{ readonly ttlSeconds: number }> {
    return this.#call(options, (inner) => this.#store.leaseKeepAlive(id, inner));
  }

  leaseRevoke(id: bigint, options?: CallOptions): Promise<void> {
    return this.#call(options, (inner) => this.#store.leaseRevoke(id, inner));
  }

  leaseTimeToLive(id: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseTimeToLiveResponse> {
    return this.#call(options, (inner) => this.#store.leaseTimeToLive(id, inner));
  }

  leases(options?: CallOptions): Promise<readonly bigint[]> {
    return this.#call(options, (inner) => this.#store.leases(inner));
  }

  status(options?: CallOptions): Promise<readonly StoreStatus[]> {
    return this.#call(options, (inner) => this.#store.status(inner));
  }

  members(options?: CallOptions): Promise<readonly Member[]> {
    return this.#call(options, (inner) => this.#store.members(inner));
  }

  alarms(options?: CallOptions): Promise<readonly Alarm[]> {
    return this.#call(options, (inner) => this.#store.alarms(inner));
  }

  disarm(alarm: Alarm, options?: CallOptions): Promise<void> {
    return this.#call(options, (inner) => this.#store.disarm(alarm, inner));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#life?.abort(CLOSED);
  }

  /** There is nothing to check in the store: the signal alone ends this handle. */
  get #unconditional(): boolean {
    return this.#compares.length === 0;
  }

  async #write(operation: Operation, options: CallOptions | undefined): Promise<OperationResponse> {
    const request: TxnRequest = { compares: this.#compares, then: [operation] };
    const { succeeded, responses } = await this.#call(options, (inner) => this.#store.txn(request, inner));
    if (succeeded) return responses[0]!;
    this.#fence.onRefused?.();
    throw new SetpointError(
      'LockLost',
      'nothing was written: what guards this holder no longer holds, another may own the work now',
    );
  }

  /** Runs one call under the fence's signal beside the caller's. A call given up by the fence fails with `Closed`. */
  async #call<T, O extends CallOptions>(options: O | undefined, call: (options: O) => Promise<T>): Promise<T> {
    this.#assertOpen();
    const life = this.#enter();
    const link = options?.signal && linkedAbort(options.signal, life);
    try {
      const answer = await call({ ...(options as O), signal: link?.signal ?? life });
      this.#fence.check?.();
      return answer;
    } catch (error) {
      if (isSetpointError(error, 'Aborted') && !options?.signal?.aborted) this.#assertOpen();
      throw error;
    } finally {
      link?.unlink();
      this.#leave();
    }
  }

  /** The signal of a call that begins: it aborts with the fence's, and when the handle is closed. */
  #enter(): AbortSignal {
    this.#life ??= linkedAbort();
    if (this.#underWay++ === 0) this.#life.follow(this.#signal);
    return this.#life.signal;
  }

  /** With the last call goes what listens to the fence's signal, which may live much longer. */
  #leave(): void {
    if (--this.#underWay === 0) this.#life?.unlink();
  }

  #assertOpen(): void {
    this.#fence.check?.();
    if (!this.#closed && this.#signal?.aborted !== true) return;
    const cause: unknown = this.#signal?.aborted === true ? this.#signal.reason : CLOSED;
    if (isSetpointError(cause, 'LockLost'))
      throw new SetpointError('LockLost', 'the holder is no longer the owner, nothing was sent', { cause });
    const { holder } = this.#fence;
    const whose = holder === undefined ? '' : ` of ${holder}`;
    throw new SetpointError('Closed', `this handle to the store${whose} is over, nothing was sent`, { cause });
  }
}

/** Whether a call's signal aborted because the handle that it went through was closed while the call was under way. */
export function closedUnderWay(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && signal.reason === CLOSED;
}

/** Made once: a handle is closed at the end of each attempt, and an error with a stack would cost more than that. */
const CLOSED = new SetpointError('Closed', 'this handle to the store has been closed');
