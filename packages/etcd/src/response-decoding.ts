import type {
  IDeleteRangeResponse,
  IEvent,
  IKeyValue,
  IPutResponse,
  IRangeResponse,
  IResponseHeader,
  IResponseOp,
  IStatusResponse,
  ITxnResponse,
} from 'etcd3';
import { SetpointError } from 'setpoint';
import type {
  DeleteResponse,
  KeyValue,
  OperationResponse,
  PutResponse,
  RangeResponse,
  StoreStatus,
  TxnResponse,
  WatchEvent,
} from 'setpoint/store';

/** etcd's messages as the port's answers. Key and value bytes are views into the message, not copies. */

export function decodeRange(response: IRangeResponse): RangeResponse {
  const revision = revisionOf(response);
  return { revision, kvs: response.kvs.map(decodeKeyValue), more: response.more, count: BigInt(response.count) };
}

export function decodePut(response: IPutResponse): PutResponse {
  const revision = revisionOf(response);
  const previous = present(response.prev_kv);
  return previous ? { revision, prevKv: decodeKeyValue(previous) } : { revision };
}

export function decodeDelete(response: IDeleteRangeResponse): DeleteResponse {
  const revision = revisionOf(response);
  return { revision, deleted: BigInt(response.deleted), prevKvs: response.prev_kvs.map(decodeKeyValue) };
}

/** `outer`: the revision of the transaction that this one is nested in, whose header etcd leaves empty. */
export function decodeTxn(response: ITxnResponse, outer: bigint = 0n): TxnResponse {
  const revision = revisionOf(response) || outer;
  const responses = response.responses.map((each) => decodeOperation(each, revision));
  return { revision, succeeded: response.succeeded, responses };
}

/** Within a transaction each answer has a header of its own: a read before its first write names the revision before. */
function decodeOperation(response: IResponseOp, outer: bigint): OperationResponse {
  if (present(response.response_range)) return { range: decodeRange(response.response_range) };
  if (present(response.response_put)) return { put: decodePut(response.response_put) };
  if (present(response.response_delete_range)) return { delete: decodeDelete(response.response_delete_range) };
  if (present(response.response_txn)) return { txn: decodeTxn(response.response_txn, outer) };
  throw new SetpointError('Internal', 'etcd answered an operation of a transaction with a kind that is not known');
}

export function decodeKeyValue(kv: IKeyValue): KeyValue {
  return {
    key: view(kv.key),
    value: view(kv.value),
    createRevision: BigInt(kv.create_revision),
    modRevision: BigInt(kv.mod_revision),
    version: BigInt(kv.version),
    lease: BigInt(kv.lease),
  };
}

export function decodeEvent(event: IEvent): WatchEvent {
  const previous = present(event.prev_kv);
  const decoded: WatchEvent = { type: event.type === 'Delete' ? 'delete' : 'put', kv: decodeKeyValue(event.kv) };
  return previous ? { ...decoded, prevKv: decodeKeyValue(previous) } : decoded;
}

export function decodeStatus(endpoint: string, response: IStatusResponse): StoreStatus {
  const { header } = response;
  return {
    endpoint,
    version: response.version,
    clusterId: header.cluster_id,
    memberId: header.member_id,
    revision: BigInt(header.revision),
    dbSizeBytes: Number(response.dbSize),
    leaderId: response.leader,
    raftTerm: BigInt(response.raftTerm),
    isLearner: response.isLearner,
    errors: response.errors,
  };
}

/** The plain view of gRPC's bytes: the port promises `Uint8Array`, and a Buffer differs from one in small ways. */
export function view(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function revisionOf(response: { readonly header: IResponseHeader | null }): bigint {
  return BigInt(response.header?.revision ?? 0);
}

/** The codec gives null for a message that was not sent, which etcd3's types leave out. */
function present<T>(message: T | null | undefined): T | undefined {
  return message ?? undefined;
}
