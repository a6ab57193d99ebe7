import { SetpointError } from '../../errors/index.ts';
import { type Clock, systemClock } from '../../internal/clock.ts';
import { MAX_TXN_OPERATIONS } from '../limits.ts';
import type {
  Alarm,
  CallOptions,
  DeleteRequest,
  DeleteResponse,
  LeaseGrantResponse,
  LeaseTimeToLiveResponse,
  Member,
  Operation,
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
import { type Footprint, footprintOf } from './footprint.ts';
import { WriteCombiner } from './write-combiner.ts';

export interface CombineWritesOptions {
  /** How many writes share one transaction at most. Default 64; 1 to 128, etcd's limit of operations. */
  readonly maxMembers?: number;
  /** How many calls with writes are under way at most before further writes wait. Default 4. */
  readonly maxInFlight?: number;
  /** How long a write may take, its wait included, unless the call says otherwise. Default: only the store limits it. */
  readonly timeoutMs?: number;
  /** Measures the time of writes. Default: the machine's clock. */
  readonly clock?: Clock;
}

/**
 * The same store, with writes that wait at the same moment sharing one transaction, each nested in it with its own
 * compares, so that each succeeds or fails alone and answers what it would have answered by itself.
 *
 * A write is sent at once while fewer than `maxInFlight` calls are under way; what comes meanwhile waits for one of
 * them to end and then travels together. A write that touches what another one writes never shares its call, and
 * does not overtake it while both wait. Members of a call share its revision; give {@link CallOptions.alone} to
 * writes that must not. When a call's answer is lost, all of its members end as `OutcomeUnknown`; when a call is
 * refused for the sake of one member, the others are sent again without it. A write whose time is up while it waits
 * ends as `Unavailable`, nothing having been sent.
 *
 * Reads, transactions that only read, watches, leases and the rest pass through. Closing closes `store`. Throws
 * `Invalid` for wrong options.
 */
export function combineWrites(store: Store, options: CombineWritesOptions = {}): Store {
  return new CombiningStore(store, options);
}

export class CombiningStore implements Store {
  readonly #store: Store;
  readonly #combiner: WriteCombiner;

  /** `footprint` is replaced only by the test that shows what it is for. */
  constructor(store: Store, options: CombineWritesOptions, footprint: (of: Operation) => Footprint = footprintOf) {
    const { timeoutMs, clock = systemClock } = options;
    const maxMembers = count('maxMembers', options.maxMembers, 64, MAX_TXN_OPERATIONS);
    const maxInFlight = count('maxInFlight', options.maxInFlight, 4, Infinity);
    if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs < Infinity)) {
      throw invalid('timeoutMs', 'a number of milliseconds above 0', timeoutMs);
    }
    this.#store = store;
    this.#combiner = new WriteCombiner(store, { maxMembers, maxInFlight, timeoutMs, clock, footprintOf: footprint });
  }

  range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    return this.#store.range(request, options);
  }

  put(request: PutRequest, options?: CallOptions): Promise<PutResponse> {
    return this.#combiner.write({ put: request }, options);
  }

  delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResponse> {
    return this.#combiner.write({ delete: request }, options) as Promise<DeleteResponse>;
  }

  txn(request: TxnRequest, options?: CallOptions): Promise<TxnResponse> {
    if (!writes({ txn: request })) return this.#store.txn(request, options);
    return this.#combiner.write({ txn: request }, options) as Promise<TxnResponse>;
  }

  watch(request: WatchRequest, options?: WatchOptions): AsyncIterable<WatchBatch> {
    return this.#store.watch(request, options);
  }

  compact(revision: Revision, options?: CallOptions): Promise<void> {
    return this.#store.compact(revision, options);
  }

  leaseGrant(
    request: { readonly ttlSeconds: number; readonly id?: bigint },
    options?: CallOptions,
  ): Promise<LeaseGrantResponse> {
    return this.#store.leaseGrant(request, options);
  }

  leaseKeepAlive(id: bigint, options?: CallOptions): Promise<{ readonly ttlSeconds: number }> {
    return this.#store.leaseKeepAlive(id, options);
  }

  leaseRevoke(id: bigint, options?: CallOptions): Promise<void> {
    return this.#store.leaseRevoke(id, options);
  }

  leaseTimeToLive(id: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseTimeToLiveResponse> {
    return this.#store.leaseTimeToLive(id, options);
  }

  leases(options?: CallOptions): Promise<readonly bigint[]> {
    return this.#store.leases(options);
  }

  status(options?: CallOptions): Promise<readonly StoreStatus[]> {
    return this.#store.status(options);
  }

  members(options?: CallOptions): Promise<readonly Member[]> {
    return this.#store.members(options);
  }

  alarms(options?: CallOptions): Promise<readonly Alarm[]> {
    return this.#store.alarms(options);
  }

  disarm(alarm: Alarm, options?: CallOptions): Promise<void> {
    return this.#store.disarm(alarm, options);
  }

  close(): Promise<void> {
    this.#combiner.close();
    return this.#store.close();
  }
}

/** Whether there is something to combine. What is malformed is for the store to refuse. */
function writes(operation: Operation): boolean {
  if (!('txn' in operation)) return 'put' in operation || 'delete' in operation;
  const { then: onTrue = [], else: onFalse = [] } = operation.txn;
  return onTrue.some(writes) || onFalse.some(writes);
}

function count(name: string, value: number | undefined, fallback: number, max: number): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw invalid(name, max === Infinity ? 'a whole number from 1' : `a whole number from 1 to ${max}`, value);
}

function invalid(path: string, expected: string, received: unknown): SetpointError {
  return new SetpointError('Invalid', `combineWrites.${path}: expected ${expected}, received ${String(received)}`, {
    details: { path },
  });
}
