import { Etcd3 } from 'etcd3';

/** An object as it is stored, as far as the hand-written programs look into it. */
export interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly object[];
  };
  readonly spec: Readonly<Record<string, unknown>> & { readonly replicas?: number; readonly nodeName?: string };
  readonly status?: Readonly<Record<string, unknown>> & { readonly ready?: unknown };
}

/**
 * Plain etcd3: a watch of a prefix, and puts that ask for nothing and wait for nobody. No cache, no queue, no conditions
 * on what was read, nothing that looks whether an event was missed: the least that can be done for the same writes.
 */
export class Etcd3Objects {
  readonly #etcd: Etcd3;
  readonly #prefix: string;

  constructor(endpoint: string, prefix: string) {
    this.#etcd = new Etcd3({ hosts: endpoint, grpcOptions: { 'grpc.max_receive_message_length': -1 } });
    this.#prefix = prefix;
  }

  async follow(plural: string, onPut: (object: Stored) => void): Promise<void> {
    const watcher = await this.#etcd.watch().prefix(`${this.#prefix}/${plural}/`).create();
    watcher.on('put', ({ value }) => onPut(JSON.parse(value.toString()) as Stored));
  }

  async put(plural: string, object: Stored): Promise<void> {
    const { namespace, name } = object.metadata;
    await this.#etcd.put(`${this.#prefix}/${plural}/${namespace}/${name}`).value(JSON.stringify(object));
  }

  close(): void {
    this.#etcd.close();
  }
}
