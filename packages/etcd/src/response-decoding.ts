import type { IStatusResponse } from 'etcd3';
import type { StoreStatus } from 'setpoint/store';

/** What etcd3's codec gives, as the port has it. */

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
