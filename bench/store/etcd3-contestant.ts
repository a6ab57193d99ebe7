import { Etcd3, type Watcher } from 'etcd3';
import { type Contestant, type Tally, usedHere } from './contestant.ts';

const PAGE_KEYS = 1000;

/**
 * etcd3 as its users have it, but for the receive limit: with its default of 4 MiB it could neither list nor catch up
 * here. Lists go by pages at one revision, or all at once.
 */
export class Etcd3Contestant implements Contestant {
  readonly #etcd: Etcd3;
  readonly #paged: boolean;
  #watcher: Watcher | undefined;

  constructor(endpoint: string, { paged }: { readonly paged: boolean }) {
    this.#etcd = new Etcd3({ hosts: endpoint, grpcOptions: { 'grpc.max_receive_message_length': -1 } });
    this.#paged = paged;
  }

  async prepare(): Promise<void> {
    await this.#etcd.get('nothing').string();
  }

  async list(prefix: string): Promise<number> {
    if (!this.#paged) return (await this.#etcd.getAll().prefix(prefix).exec()).kvs.length;
    let [count, key, revision] = [0, Buffer.from(prefix), undefined as string | undefined];
    const end = Buffer.from(prefix);
    end[end.length - 1]!++;
    for (;;) {
      const request = { key, range_end: end, limit: PAGE_KEYS, ...(revision === undefined ? {} : { revision }) };
      const page = await this.#etcd.kv.range(request);
      revision ??= page.header.revision;
      count += page.kvs.length;
      if (!page.more) return count;
      key = Buffer.concat([page.kvs.at(-1)!.key, Buffer.alloc(1)]);
    }
  }

  async watch(prefix: string, startRevision: bigint, tally: Tally): Promise<void> {
    // `create` would resolve after the first events, which nobody would have heard then.
    const watcher = this.#etcd.watch().prefix(prefix).startRevision(String(startRevision)).watcher();
    this.#watcher = watcher;
    await new Promise<void>((resolve, reject) => {
      watcher.on('error', reject);
      watcher.on('put', ({ value }) => {
        tally.count(value);
        if (tally.full) resolve();
      });
    });
  }

  used = usedHere;

  async close(): Promise<void> {
    // Closing the client leaves a watcher trying for ever, and the process would not end.
    await this.#watcher?.cancel();
    this.#etcd.close();
  }
}
