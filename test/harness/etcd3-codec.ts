import { Etcd3, type ICallable } from 'etcd3';

/** The four directions of one method, as etcd3's codec has them: message objects with integers as decimal text. */
export interface MethodCodec {
  requestSerialize(message: object): Buffer;
  requestDeserialize(bytes: Buffer): Record<string, unknown>;
  responseSerialize(message: object): Buffer;
  responseDeserialize(bytes: Buffer): Record<string, unknown>;
}

class UnconnectedEtcd extends Etcd3 {
  get rawPool(): ICallable<unknown> {
    return this.pool;
  }
}

/** etcd3's codec of one method, such as `KV` and `Range`: what ours is compared with. Connects to nothing. */
export async function etcd3Codec(service: 'KV' | 'Watch', method: string): Promise<MethodCodec> {
  const etcd = new UnconnectedEtcd();
  const client = await etcd.rawPool.withConnection(service, (connection) => connection.client);
  etcd.close();
  return (client as unknown as Record<string, MethodCodec>)[method]!;
}
