import type {
  ICompare,
  IDeleteRangeRequest,
  IPutRequest,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
  IWatchCreateRequest,
} from 'etcd3';
import {
  type BytesLike,
  type Compare,
  type DeleteRequest,
  type KeySelector,
  keyRange,
  type Operation,
  type PutRequest,
  type RangeRequest,
  toBytes,
  type TxnRequest,
  type WatchRequest,
} from 'setpoint/store';

/** The port's requests in etcd's messages. Revisions travel as decimal text, so that none loses its last digits. */

const SORT_TARGETS = { key: 'Key', version: 'Version', create: 'Create', mod: 'Mod', value: 'Value' } as const;
const COMPARE_RESULTS = { '=': 'Equal', '!=': 'NotEqual', '>': 'Greater', '<': 'Less' } as const;
const COMPARE_TARGETS = {
  version: { target: 'Version', field: 'version' },
  create: { target: 'Create', field: 'create_revision' },
  mod: { target: 'Mod', field: 'mod_revision' },
  lease: { target: 'Lease', field: 'lease' },
} as const;

export function encodeRange(request: RangeRequest): IRangeRequest {
  const { sort } = request;
  return {
    ...encodeSelector(request),
    limit: request.limit ?? 0,
    revision: decimal(request.revision),
    ...(sort ? { sort_order: sort.order === 'ascend' ? 'Ascend' : 'Descend', sort_target: SORT_TARGETS[sort.by] } : {}),
    serializable: request.serializable ?? false,
    keys_only: request.keysOnly ?? false,
    count_only: request.countOnly ?? false,
    min_mod_revision: decimal(request.minModRevision),
    max_mod_revision: decimal(request.maxModRevision),
    min_create_revision: decimal(request.minCreateRevision),
    max_create_revision: decimal(request.maxCreateRevision),
  };
}

export function encodePut({ key, value, lease, prevKv }: PutRequest): IPutRequest {
  return { key: buffer(key), value: buffer(value), lease: decimal(lease), prev_kv: prevKv ?? false };
}

export function encodeDelete(request: DeleteRequest): IDeleteRangeRequest {
  return { ...encodeSelector(request), prev_kv: request.prevKv ?? false };
}

export function encodeTxn(request: TxnRequest): ITxnRequest {
  return {
    compare: (request.compares ?? []).map(encodeCompare),
    success: (request.then ?? []).map(encodeOperation),
    failure: (request.else ?? []).map(encodeOperation),
  };
}

/** `startRevision` undefined: from now on. */
export function encodeWatch(request: WatchRequest, startRevision: bigint | undefined): IWatchCreateRequest {
  const { exclude } = request;
  return {
    ...encodeSelector(request),
    start_revision: decimal(startRevision),
    progress_notify: true,
    fragment: true,
    prev_kv: request.prevKv ?? false,
    ...(exclude ? { filters: [exclude === 'put' ? 'Noput' : 'Nodelete'] } : {}),
  };
}

function encodeOperation(operation: Operation): IRequestOp {
  if ('range' in operation) return { request_range: encodeRange(operation.range) };
  if ('put' in operation) return { request_put: encodePut(operation.put) };
  if ('delete' in operation) return { request_delete_range: encodeDelete(operation.delete) };
  return { request_txn: encodeTxn(operation.txn) };
}

function encodeCompare(compare: Compare): ICompare {
  const common = { ...encodeSelector(compare), result: COMPARE_RESULTS[compare.operator] };
  if (compare.target === 'value') return { ...common, target: 'Value', value: buffer(compare.operand) };
  const { target, field } = COMPARE_TARGETS[compare.target];
  return { ...common, target, [field]: compare.operand.toString() };
}

function encodeSelector(selector: KeySelector): { key: Buffer; range_end?: Buffer } {
  const { start, end } = keyRange(selector);
  return end === undefined ? { key: asBuffer(start) } : { key: asBuffer(start), range_end: asBuffer(end) };
}

const decimal = (revision: bigint | undefined): string => (revision ?? 0n).toString();
const buffer = (bytes: BytesLike): Buffer => asBuffer(toBytes(bytes));

/** The same memory under the name that etcd3's types ask for. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
