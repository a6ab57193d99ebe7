import { SetpointError } from '../errors/index.ts';
import { checkDuplicateKeys } from './duplicate-keys.ts';
import { byteLength, checkSelector, isWithoutEnd, keyRange } from './key-range.ts';
import { checkSize, checkTxnLimits, MAX_LEASE_TTL_SECONDS } from './limits.ts';
import type {
  BytesLike,
  Compare,
  DeleteRequest,
  KeySelector,
  Operation,
  PutRequest,
  RangeRequest,
  TxnRequest,
  WatchRequest,
} from './port.ts';
import { deleteSize, putSize, rangeSize } from './request-size.ts';

/**
 * What every Store checks before it sends anything, so that all refuse the same requests in the same words. They
 * throw `Invalid` (expected and received), `TooLarge` and `TooManyOperations` (with size, limit and key) and never
 * show a value.
 */
export function checkRange(request: RangeRequest): void {
  checkRangeFields(request);
  checkSize(rangeSize(request), () => keyOf(request));
}

export function checkPut(request: PutRequest): void {
  checkPutFields(request);
  checkSize(putSize(request), () => keyOf(request));
}

export function checkDelete(request: DeleteRequest): void {
  checkSelector(request);
  checkSize(deleteSize(request), () => keyOf(request));
}

/** Also refuses what etcd calls a duplicate key, see {@link checkDuplicateKeys}. */
export function checkTxn(request: TxnRequest): void {
  if (checked.has(request)) return;
  checkTxnFields(request, 'txn');
  checkTxnLimits(request, () => subjectKey(request));
  checkDuplicateKeys(request.then ?? []);
  checkDuplicateKeys(request.else ?? []);
}

/** Transactions that nobody outside of setpoint can change any more and that are known to pass. */
const checked = new WeakSet<TxnRequest>();

/** Spares a transaction the check by a store further down. It must be one's own copy, or made of such. */
export function markChecked(request: TxnRequest): TxnRequest {
  checked.add(request);
  return request;
}

/** Also refuses a range that no key is in: etcd does ("watcher range is empty"), and nothing could ever come of it. */
export function checkWatch(request: WatchRequest): void {
  checkSelector(request);
  const { start, end } = keyRange(request);
  if (end && !isWithoutEnd(end) && Buffer.compare(start, end) >= 0) {
    throw invalid('watch.end', 'an end that lies behind the key', 'one at or before it');
  }
  checkRevision(request.startRevision, 'watch.startRevision');
  checkOneOf(request.exclude, ['put', 'delete', undefined], 'watch.exclude');
}

export function checkCompact(revision: bigint): void {
  if (revision === undefined) throw invalid('compact.revision', 'a revision', 'undefined');
  checkRevision(revision, 'compact.revision');
}

/** A TTL is a whole number of seconds from 1 to 9,000,000,000; an id is positive, absent or 0n lets the store choose. */
export function checkLeaseGrant(request: { readonly ttlSeconds: number; readonly id?: bigint }): void {
  const { ttlSeconds, id } = request;
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_LEASE_TTL_SECONDS) {
    throw invalid('lease.ttlSeconds', `a whole number from 1 to ${MAX_LEASE_TTL_SECONDS}`, described(ttlSeconds));
  }
  checkRevision(id, 'lease.id');
}

/** What a lease is named by in calls about it. */
export function checkLeaseId(id: bigint): void {
  if (id === undefined) throw invalid('lease.id', 'the id of a lease', 'undefined');
  checkRevision(id, 'lease.id');
}

const MAX_INT64 = 2n ** 63n - 1n;
const SORT_TARGETS = ['key', 'create', 'mod', 'version', 'value'];
const COMPARE_TARGETS = ['version', 'create', 'mod', 'lease', 'value'];

function checkRangeFields(request: RangeRequest): void {
  checkSelector(request);
  const { limit, sort } = request;
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw invalid('range.limit', 'a whole number from 0', described(limit));
  }
  if (sort !== undefined) {
    checkOneOf(sort.by, SORT_TARGETS, 'range.sort.by');
    checkOneOf(sort.order, ['ascend', 'descend'], 'range.sort.order');
  }
  checkRevision(request.revision, 'range.revision');
  for (const bound of ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'] as const) {
    checkRevision(request[bound], `range.${bound}`);
  }
}

function checkPutFields(request: PutRequest): void {
  if (byteLength(request.key) === 0) throw invalid('put.key', 'at least one byte', 'none');
  byteLength(request.value);
  checkRevision(request.lease, 'put.lease');
  if (request.keepLease === true && request.lease) {
    throw invalid('put.keepLease', 'either lease or keepLease', 'both');
  }
}

function checkTxnFields(request: TxnRequest, where: string): void {
  for (const compare of request.compares ?? []) checkCompare(compare, `${where}.compares`);
  for (const operation of request.then ?? []) checkOperation(operation, `${where}.then`);
  for (const operation of request.else ?? []) checkOperation(operation, `${where}.else`);
}

function checkOperation(operation: Operation, where: string): void {
  const kinds = Object.keys(operation);
  if (kinds.length !== 1)
    throw invalid(where, 'exactly one of range, put, delete and txn', kinds.join(' and ') || 'none');
  if ('range' in operation) return checkRangeFields(operation.range);
  if ('put' in operation) return checkPutFields(operation.put);
  if ('delete' in operation) return checkSelector(operation.delete);
  if ('txn' in operation) return checkTxnFields(operation.txn, `${where}.txn`);
  throw invalid(where, 'one of range, put, delete and txn', 'something else');
}

function checkCompare(compare: Compare, where: string): void {
  checkSelector(compare);
  checkOneOf(compare.operator, ['=', '!=', '>', '<'], `${where}.operator`);
  checkOneOf(compare.target, COMPARE_TARGETS, `${where}.target`);
  if (compare.target === 'value') return void byteLength(compare.operand);
  const operand: unknown = compare.operand;
  if (typeof operand !== 'bigint' || operand > MAX_INT64 || operand < -MAX_INT64 - 1n) {
    throw invalid(`${where}.operand`, 'a bigint of 64 bits', described(operand));
  }
}

function checkRevision(value: bigint | undefined, where: string): void {
  if (value === undefined) return;
  if (typeof value !== 'bigint' || value < 0n || value > MAX_INT64)
    throw invalid(where, 'a bigint from 0n to 2⁶³−1', described(value));
}

function checkOneOf(value: unknown, allowed: readonly unknown[], where: string): void {
  if (!allowed.includes(value)) throw invalid(where, `one of ${allowed.filter(Boolean).join(', ')}`, described(value));
}

function invalid(where: string, expected: string, received: string): SetpointError {
  const message = `${where}: expected ${expected}, received ${received}`;
  return new SetpointError('Invalid', message, { details: { path: where } });
}

/** What came, for a message. A text is told by its kind alone: it may be a value that got into another field. */
function described(received: unknown): string {
  if (['number', 'bigint', 'boolean'].includes(typeof received)) return `${typeof received} ${String(received)}`;
  if (received === undefined || received === null) return String(received);
  return typeof received === 'string' ? 'a string' : Array.isArray(received) ? 'an array' : `a ${typeof received}`;
}

/** The key, prefix or first key that an error names a request by. Bytes that are not UTF-8 show as U+FFFD. */
function keyOf(selector: KeySelector | { readonly key: BytesLike }): string {
  return new TextDecoder().decode(keyRange(selector).start);
}

/** The key that errors name a transaction by: the first that it mentions. */
export function subjectKey(request: TxnRequest): string {
  for (const compare of request.compares ?? []) return keyOf(compare);
  for (const operation of [...(request.then ?? []), ...(request.else ?? [])]) {
    if ('txn' in operation) return subjectKey(operation.txn);
    return keyOf(
      'put' in operation ? { key: operation.put.key } : 'range' in operation ? operation.range : operation.delete,
    );
  }
  return '(no key)';
}
