import type {
  IAlarmRequest,
  IAlarmResponse,
  IAuthenticateRequest,
  IAuthenticateResponse,
  ICompactionRequest,
  ICompactionResponse,
  ILeaseGrantRequest,
  ILeaseGrantResponse,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  ILeaseLeasesResponse,
  ILeaseRevokeRequest,
  ILeaseRevokeResponse,
  ILeaseTimeToLiveRequest,
  ILeaseTimeToLiveResponse,
  IMemberListResponse,
  IStatusResponse,
} from 'etcd3';
import type { DeleteResponse, PutResponse, RangeResponse, TxnResponse } from 'setpoint/store';
import {
  type Answer,
  decodeDelete,
  decodePut,
  decodeRange,
  decodeTxn,
  decodeWatch,
  type EncodedRequest,
  type WatchAnswer,
} from './protobuf/index.ts';

export type ServiceName = 'KV' | 'Watch' | 'Lease' | 'Cluster' | 'Maintenance' | 'Auth';

/** Names one method of etcd's gRPC interface; the type parameters are its messages. */
export interface Rpc<Request, Response> {
  readonly service: ServiceName;
  readonly method: string;
  /** Reads an answer; requests are bytes already. Absent: etcd3's codec does both. */
  readonly decode?: (bytes: Uint8Array) => Response;
  /** Never set: carries the types. */
  readonly messages?: (request: Request) => Response;
}

const rpc = <Request, Response>(service: ServiceName, method: string): Rpc<Request, Response> => ({ service, method });

const leanRpc = <Response>(
  service: ServiceName,
  method: string,
  decode: (bytes: Uint8Array) => Response,
): Rpc<EncodedRequest, Response> => ({ service, method, decode });

type Lean<Body> = Rpc<EncodedRequest, Answer<Body>>;
type Empty = Record<string, never>;

export const rangeRpc: Lean<RangeResponse> = leanRpc('KV', 'Range', decodeRange);
export const putRpc: Lean<PutResponse> = leanRpc('KV', 'Put', decodePut);
export const deleteRpc: Lean<DeleteResponse> = leanRpc('KV', 'DeleteRange', decodeDelete);
export const txnRpc: Lean<TxnResponse> = leanRpc('KV', 'Txn', decodeTxn);
export const watchRpc: Rpc<EncodedRequest, WatchAnswer> = leanRpc('Watch', 'Watch', decodeWatch);
export const compactRpc: Rpc<ICompactionRequest, ICompactionResponse> = rpc('KV', 'Compact');
export const leaseGrantRpc: Rpc<ILeaseGrantRequest, ILeaseGrantResponse> = rpc('Lease', 'LeaseGrant');
export const leaseRevokeRpc: Rpc<ILeaseRevokeRequest, ILeaseRevokeResponse> = rpc('Lease', 'LeaseRevoke');
export const leaseKeepAliveRpc: Rpc<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse> = rpc('Lease', 'LeaseKeepAlive');
export const leaseTimeToLiveRpc: Rpc<ILeaseTimeToLiveRequest, ILeaseTimeToLiveResponse> = rpc(
  'Lease',
  'LeaseTimeToLive',
);
export const leasesRpc: Rpc<Empty, ILeaseLeasesResponse> = rpc('Lease', 'LeaseLeases');
export const statusRpc: Rpc<Empty, IStatusResponse> = rpc('Maintenance', 'Status');
export const alarmRpc: Rpc<IAlarmRequest, IAlarmResponse> = rpc('Maintenance', 'Alarm');
export const membersRpc: Rpc<Empty, IMemberListResponse> = rpc('Cluster', 'MemberList');
export const authenticateRpc: Rpc<IAuthenticateRequest, IAuthenticateResponse> = rpc('Auth', 'Authenticate');
