import { etcdStore } from '@setpoint/etcd';
import { listPages, type Store } from 'setpoint/store';
import { type Contestant, type Tally, usedHere } from './contestant.ts';

/** The driver of this repository, listing in pages as an informer does. */
export class SetpointContestant implements Contestant {
  readonly #store: Store;

  constructor(endpoint: string, options: { readonly watchFragments: boolean }) {
    this.#store = etcdStore({ endpoints: endpoint, callTimeoutMs: 60_000, ...options });
  }

  async prepare(): Promise<void> {
    await this.#store.range({ key: 'nothing' });
  }

  async list(prefix: string): Promise<number> {
    let count = 0;
    for await (const page of listPages(this.#store, { prefix })) count += page.kvs.length;
    return count;
  }

  async watch(prefix: string, startRevision: bigint, tally: Tally): Promise<void> {
    for await (const batch of this.#store.watch({ prefix, startRevision })) {
      for (const event of batch.events) tally.count(event.kv.value);
      if (tally.full) return;
    }
  }

  used = usedHere;

  close(): Promise<void> {
    return this.#store.close();
  }
}
