import { Etcd3, type ICallable } from 'etcd3';
import type { Rpc, ServiceName } from './rpcs.ts';

/** What etcd3 hands out per service: a gRPC client and the metadata to call it with. */
type Connection = Parameters<Parameters<ICallable<unknown>['withConnection']>[1]>[0];
type GrpcClient = Connection['client'];
type Metadata = Connection['metadata'];

/** How one method is encoded, as proto-loader attaches it to a client's methods. */
interface MethodDefinition {
  readonly path: string;
  readonly requestSerialize: (message: unknown) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** For what is encoded before it is given to gRPC, and decoded after. */
const asIs = (message: unknown): Buffer => message as Buffer;

/** What travels in front of a request. */
export interface CallHeaders {
  readonly token?: string | undefined;
  /** Makes a member that has lost its leader refuse at once, and end streams, instead of leaving them silent. */
  readonly requireLeader: boolean;
}

/** A request under way. After `cancel` the answer rejects. */
export interface PendingCall<Response> {
  readonly answer: Promise<Response>;
  cancel(): void;
}

/** A stream under way. It is read by iterating over it, which is also what holds a fast server back. */
export interface CallStream<Request, Response> extends AsyncIterable<Response> {
  write(message: Request): void;
  cancel(): void;
}

export interface TransportSettings {
  readonly credentials?: NonNullable<ConstructorParameters<typeof Etcd3>[0]>['credentials'];
  readonly grpcOptions: Readonly<Record<string, string | number>>;
}

/** gRPC's name for a channel whose connection stands. */
const READY = 2;
const SERVICES: readonly ServiceName[] = ['KV', 'Watch', 'Lease', 'Cluster', 'Maintenance', 'Auth'];

/** Only the connection pool of etcd3 is used: its retries and its fault policies see nothing of our calls. */
class PooledEtcd extends Etcd3 {
  get rawPool(): ICallable<unknown> {
    return this.pool;
  }
}

/**
 * The gRPC connection to one endpoint, with etcd3's TLS and codec. All services share one channel, and no other
 * transport shares its socket, so that closing it closes the socket. It repeats nothing and judges nothing: errors
 * are gRPC's own, see `error-mapping.ts`.
 */
export class Transport {
  readonly #etcd: PooledEtcd;
  readonly #client: GrpcClient;
  readonly #metadata: Metadata;
  readonly #definitions: ReadonlyMap<ServiceName, GrpcClient>;

  private constructor(etcd: PooledEtcd, connections: ReadonlyMap<ServiceName, Connection>) {
    this.#etcd = etcd;
    this.#client = connections.get('KV')!.client;
    this.#metadata = connections.get('KV')!.metadata;
    this.#definitions = new Map([...connections].map(([name, { client }]) => [name, client]));
  }

  /** Prepares calls to `url`; the connection itself is made by the first of them. */
  static async open(url: string, settings: TransportSettings): Promise<Transport> {
    const { credentials, grpcOptions } = settings;
    const etcd = new PooledEtcd({ hosts: url, grpcOptions, ...(credentials ? { credentials } : {}) });
    const connections = new Map<ServiceName, Connection>();
    for (const service of SERVICES) {
      connections.set(service, await etcd.rawPool.withConnection(service, (connection) => connection));
    }
    return new Transport(etcd, connections);
  }

  /** Whether the connection stands, as far as is known. */
  get ready(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === READY;
  }

  /** Calls back once, when the connection no longer stands; at once if it doesn't now. */
  onceDisconnected(listener: () => void): void {
    if (!this.ready) return listener();
    this.#client.getChannel().watchConnectivityState(READY, Infinity, listener);
  }

  unary<Request, Response>(rpc: Rpc<Request, Response>, request: Request, headers: CallHeaders): PendingCall<Response> {
    const { path, requestSerialize, responseDeserialize } = this.#definition(rpc);
    let cancel = (): void => {};
    const answer = new Promise<Response>((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadataFor(headers),
        {},
        (error: Error | null, response: unknown) => {
          if (error) return reject(error);
          try {
            resolve(rpc.decode ? rpc.decode(response as Buffer) : (response as Response));
          } catch (malformed) {
            reject(malformed);
          }
        },
      );
      cancel = () => call.cancel();
    });
    return { answer, cancel };
  }

  stream<Request, Response>(rpc: Rpc<Request, Response>, headers: CallHeaders): CallStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = this.#definition(rpc);
    const metadata = this.#metadataFor(headers);
    const stream = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {});
    // Cancelling makes gRPC emit an error also when nobody iterates any more.
    stream.on('error', () => {});
    return rpc.decode ? decoded(stream, rpc.decode) : stream;
  }

  /** Ends the connection. Calls under way must have been cancelled. */
  close(): void {
    this.#etcd.close();
  }

  #definition(rpc: Rpc<never, unknown>): MethodDefinition {
    const client = this.#definitions.get(rpc.service) as unknown as Record<string, MethodDefinition>;
    const definition = client[rpc.method]!;
    if (!rpc.decode) return definition;
    return { path: definition.path, requestSerialize: asIs, responseDeserialize: asIs };
  }

  #metadataFor({ token, requireLeader }: CallHeaders): Metadata {
    const metadata = this.#metadata.clone();
    if (token !== undefined) metadata.set('token', token);
    if (requireLeader) metadata.set('hasleader', 'true');
    return metadata;
  }
}

/** A stream of bytes as a stream of messages. */
function decoded<Request, Response>(
  stream: CallStream<Request, Uint8Array>,
  decode: (bytes: Uint8Array) => Response,
): CallStream<Request, Response> {
  return {
    write: (message) => stream.write(message),
    cancel: () => stream.cancel(),
    async *[Symbol.asyncIterator]() {
      for await (const bytes of stream) yield decode(bytes);
    },
  };
}
