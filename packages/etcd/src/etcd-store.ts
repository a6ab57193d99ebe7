import { SetpointError } from 'setpoint';
import {
  type Alarm,
  type BytesLike,
  type CallOptions,
  checkBehindMax,
  checkDelete,
  checkPut,
  checkRange,
  checkTxn,
  checkWatch,
  combineWrites,
  type DeleteRequest,
  type DeleteResponse,
  type KeySelector,
  type LeaseGrantResponse,
  type LeaseTimeToLiveResponse,
  type Member,
  type Operation,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type Store,
  type StoreStatus,
  type TxnRequest,
  type TxnResponse,
  type WatchBatch,
  type WatchOptions,
  type WatchRequest,
} from 'setpoint/store';
import { type CallPlan, Calls } from './calls.ts';
import type { CallSubject } from './error-mapping.ts';
import { grantLease, keepLeaseAlive, leaseTimeToLive, listLeases, revokeLease } from './leases.ts';
import { compact, disarmAlarm, listAlarms, listMembers, statusOfAll } from './maintenance.ts';
import { type EtcdStoreOptions, resolveOptions, type Settings } from './options.ts';
import { encodeDelete, encodePut, encodeRange, encodeTxn } from './protobuf/index.ts';
import { deleteRpc, putRpc, rangeRpc, txnRpc } from './rpcs.ts';
import { Watch } from './watch.ts';

/**
 * A Store over etcd 3.4 or newer. Connects with the first call; waits for etcd within each call's time (default 5 s)
 * and, in a watch, for as long as it takes. Throws `Invalid` for wrong options, and nothing else.
 */
export function etcdStore(options: EtcdStoreOptions): Store {
  const settings = resolveOptions(options);
  const store = new EtcdStore(settings);
  if (settings.combineWrites === undefined) return store;
  const { clock, callTimeoutMs: timeoutMs } = settings;
  return combineWrites(store, { ...settings.combineWrites, clock, timeoutMs });
}

class EtcdStore implements Store {
  readonly #closing = new AbortController();
  readonly #calls: Calls;

  constructor(settings: Settings) {
    this.#calls = new Calls(settings, this.#closing.signal);
  }

  async range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    checkRange(request);
    const plan = { ...planOf('range', request, false), requireLeader: request.serializable !== true };
    return (await this.#calls.unary(rangeRpc, encodeRange(request), plan, options)).body;
  }

  async put(request: PutRequest, options?: CallOptions): Promise<PutResponse> {
    checkPut(request);
    return (await this.#calls.unary(putRpc, encodePut(request), planOf('put', request, true), options)).body;
  }

  async delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResponse> {
    checkDelete(request);
    const plan = planOf('delete', request, true);
    return (await this.#calls.unary(deleteRpc, encodeDelete(request), plan, options)).body;
  }

  async txn(request: TxnRequest, options?: CallOptions): Promise<TxnResponse> {
    checkTxn(request);
    const plan = planOf('txn', firstSelector(request), writes(request));
    return (await this.#calls.unary(txnRpc, encodeTxn(request), plan, options)).body;
  }

  watch(request: WatchRequest, options: WatchOptions = {}): AsyncIterable<WatchBatch> {
    checkWatch(request);
    checkBehindMax(options.behindMax);
    // Each stream asks anew, long after the caller may have used the bytes of a key for something else.
    const own = structuredClone(request);
    const begin = (): Watch => new Watch(this.#calls, own, options, () => subjectOf('watch', own));
    return { [Symbol.asyncIterator]: () => begin().batches() };
  }

  compact(revision: bigint, options?: CallOptions): Promise<void> {
    return compact(this.#calls, revision, options);
  }

  leaseGrant(
    request: { readonly ttlSeconds: number; readonly id?: bigint },
    options?: CallOptions,
  ): Promise<LeaseGrantResponse> {
    return grantLease(this.#calls, request, options);
  }

  leaseKeepAlive(id: bigint, options?: CallOptions): Promise<{ readonly ttlSeconds: number }> {
    return keepLeaseAlive(this.#calls, id, options);
  }

  leaseRevoke(id: bigint, options?: CallOptions): Promise<void> {
    return revokeLease(this.#calls, id, options);
  }

  leaseTimeToLive(id: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseTimeToLiveResponse> {
    return leaseTimeToLive(this.#calls, id, options);
  }

  leases(options?: CallOptions): Promise<readonly bigint[]> {
    return listLeases(this.#calls, options);
  }

  status(options?: CallOptions): Promise<readonly StoreStatus[]> {
    return statusOfAll(this.#calls, options);
  }

  members(options?: CallOptions): Promise<readonly Member[]> {
    return listMembers(this.#calls, options);
  }

  alarms(options?: CallOptions): Promise<readonly Alarm[]> {
    return listAlarms(this.#calls, options);
  }

  disarm(alarm: Alarm, options?: CallOptions): Promise<void> {
    return disarmAlarm(this.#calls, alarm, options);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new SetpointError('Closed', 'the store was closed'));
    // The calls cancel themselves first, and say so to their callers.
    await this.#calls.settings.clock.yield();
    this.#calls.endpoints.close();
  }
}

function planOf(name: string, about: KeySelector | { readonly key: BytesLike } | undefined, write: boolean): CallPlan {
  return { subject: () => subjectOf(name, about), write };
}

/** Names a call by its first key. Bytes that are not text are shown with their bad parts replaced. */
function subjectOf(name: string, about: KeySelector | { readonly key: BytesLike } | undefined): CallSubject {
  if (about === undefined) return { what: name };
  const { key, prefix, fromKey } = about as Partial<Record<'key' | 'prefix' | 'fromKey', BytesLike>>;
  const bytes = key ?? prefix ?? fromKey ?? '';
  const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
  return { what: `${name} ${JSON.stringify(text)}`, key: text };
}

/** A transaction of reads alone may be asked again. */
function writes({ then: onTrue = [], else: onFalse = [] }: TxnRequest): boolean {
  return [...onTrue, ...onFalse].some((each) => ('txn' in each ? writes(each.txn) : !('range' in each)));
}

function firstSelector(request: TxnRequest): KeySelector | undefined {
  const [compare] = request.compares ?? [];
  if (compare) return compare;
  for (const operation of [...(request.then ?? []), ...(request.else ?? [])]) {
    const found = selectorOf(operation);
    if (found) return found;
  }
  return undefined;
}

function selectorOf(operation: Operation): KeySelector | undefined {
  if ('txn' in operation) return firstSelector(operation.txn);
  if ('put' in operation) return { key: operation.put.key };
  return 'range' in operation ? operation.range : operation.delete;
}
