import type {
  IAlarmRequest,
  IAlarmResponse,
  IAuthenticateRequest,
  IAuthenticateResponse,
  ICompactionRequest,
  ICompactionResponse,
  IDeleteRangeRequest,
  IDeleteRangeResponse,
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
  IPutRequest,
  IPutResponse,
  IRangeRequest,
  IRangeResponse,
  IStatusResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3';

export type ServiceName = 'KV' | 'Watch' | 'Lease' | 'Cluster' | 'Maintenance' | 'Auth';

/** Names one method of etcd's gRPC interface; the type parameters are its messages as etcd3's codec has them. */
export interface Rpc<Request, Response> {
  readonly service: ServiceName;
  readonly method: string;
  /** Never set: carries the types. */
  readonly messages?: (request: Request) => Response;
}

const rpc = <Request, Response>(service: ServiceName, method: string): Rpc<Request, Response> => ({ service, method });

type Empty = Record<string, never>;

export const rangeRpc: Rpc<IRangeRequest, IRangeResponse> = rpc('KV', 'Range');
export const putRpc: Rpc<IPutRequest, IPutResponse> = rpc('KV', 'Put');
export const deleteRpc: Rpc<IDeleteRangeRequest, IDeleteRangeResponse> = rpc('KV', 'DeleteRange');
export const txnRpc: Rpc<ITxnRequest, ITxnResponse> = rpc('KV', 'Txn');
export const compactRpc: Rpc<ICompactionRequest, ICompactionResponse> = rpc('KV', 'Compact');
export const watchRpc: Rpc<IWatchRequest, IWatchResponse> = rpc('Watch', 'Watch');
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
