/**
 * # Store
 *
 * The database as setpoint sees it: etcd's own model in etcd's own words. Keys and values are bytes, every write moves
 * one store-wide revision, transactions compare and write several keys at once, a watch delivers every change from a
 * revision on, leases delete their keys when nobody keeps them alive.
 *
 * It promises: calls are linearizable; a revision is never split over two batches of a watch, and none is missed or
 * repeated; a write that failed with any code but `OutcomeUnknown` was not applied and none is ever repeated by itself;
 * every failure is a `SetpointError`. It does not promise that history is kept: `compact` ends old reads and watches
 * with `Compacted`.
 *
 * A write whose answer was lost ends as `OutcomeUnknown`; {@link resolveOutcome} finds out by reading what became of it.
 *
 * {@link memoryStore} is an exact model of etcd in this process: the default to start with, the ground truth of
 * simulations and the store of every unit test. It is held against real etcd by one conformance suite. It keeps
 * nothing on disk, has no quota, no users and one member. {@link fenceStore} gives a handle whose writes only count
 * while a condition holds; {@link combineWrites} lets writes that wait at the same moment share one transaction.
 *
 * ```ts
 * const store = memoryStore();
 * await store.put({ key: '/config/motd', value: 'hello' });
 * const { revision } = await store.range({ prefix: '/config/' });
 * for await (const batch of store.watch({ prefix: '/config/', startRevision: revision + 1n })) {
 *   for (const { type, kv } of batch.events) console.log(batch.revision, type, keyText(kv.key));
 * }
 * ```
 *
 * What a caller passes in is copied, and so is what it gets: changing either does not reach the store.
 *
 * Next: `port.ts`
 */
export {
  checkCompact,
  checkDelete,
  checkLeaseGrant,
  checkLeaseId,
  checkPut,
  checkRange,
  checkTxn,
  checkWatch,
} from './check-request.ts';
export { combineWrites, type CombineWritesOptions } from './combining/combine-writes.ts';
export { checkBehindMax, farBehind } from './far-behind.ts';
export { type Fence, fenceStore, operationsLeft } from './fence.ts';
export { type KeyRange, keyRange, keyText, prefixEnd, shownKey, toBytes } from './key-range.ts';
export { LeasePool, leasePool, type LeasePoolOptions } from './lease-pool.ts';
export { listPages, type ListPagesOptions } from './list-pages.ts';
export { keysThatFit } from './page-size.ts';
export { MAX_LEASE_TTL_SECONDS, MAX_REQUEST_BYTES, MAX_TXN_OPERATIONS } from './limits.ts';
export { MemoryStore, memoryStore, type MemoryStoreOptions } from './memory/memory-store.ts';
export { type ProgressRequests, progressRequests } from './progress-requests.ts';
export { type LostWrite, resolveOutcome, type WriteOutcome } from './resolve-outcome.ts';
export type {
  Alarm,
  BytesLike,
  CallOptions,
  Compare,
  DeleteRequest,
  DeleteResponse,
  KeySelector,
  KeyValue,
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
  SortTarget,
  Store,
  StoreStatus,
  TxnRequest,
  TxnResponse,
  WatchBatch,
  WatchEvent,
  WatchOptions,
  WatchRequest,
} from './port.ts';
