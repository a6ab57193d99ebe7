import { etcdStore } from '@setpoint/etcd';
import { createInformer, type Informer, type InformerOptions } from 'setpoint/informer';
import { defineResource, jsonCodec, resourceCodec, textCodec } from 'setpoint/resource';
import type { Store } from 'setpoint/store';
import { z } from 'zod';
import { type Contestant, Counters } from './contestant.ts';
import { PREFIX } from './sample.ts';
import type { Task } from './task.ts';

interface Widget {
  readonly metadata: { readonly labels: { readonly app: string } };
}

/** As little as a schema can do: what is measured is the cache. */
const anything = z.custom<Record<string, unknown>>(() => true);
const definition = defineResource({
  group: 'bench.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  spec: anything,
});
/** Indexed by a label, or by a part of the key where values are left unread. */
const variants: Record<string, Pick<InformerOptions<unknown>, 'codec' | 'indexes'>> = {
  setpoint: { codec: jsonCodec, indexes: { app: (object) => [(object as Widget).metadata.labels.app] } },
  'setpoint, resource': {
    codec: resourceCodec(definition, '/bench'),
    indexes: { app: (object) => [(object as Widget).metadata.labels.app] },
  },
  'setpoint, unread': { codec: textCodec, indexes: { app: (_, key) => [`app-${key.slice(-2)}`] } },
};
/** setpoint's informer over its own etcd driver. */
export class SetpointContestant implements Contestant {
  readonly #counters: Counters;
  readonly #store: Store;
  readonly #informer: Informer<unknown>;
  readonly #stop = new AbortController();
  readonly #handlersSynced: Promise<unknown>;
  #running: Promise<void> | undefined;
  constructor({ port, contestant, handlers, blocked }: Task) {
    const counters = new Counters({ handlers });
    this.#counters = counters;
    this.#store = etcdStore({ endpoints: `http://127.0.0.1:${port}` });
    this.#informer = createInformer<unknown>({ store: this.#store, prefix: PREFIX, ...variants[contestant]! });
    const never = new Promise<void>(() => {});
    if (blocked) this.#informer.addEventHandler({ add: () => never, update: () => never }, { name: 'blocked' });
    this.#handlersSynced = Promise.all(
      counters.adds.map((_, index) =>
        this.#informer
          .addEventHandler({ add: () => counters.adds[index]!++, update: () => counters.updates[index]!++ })
          .whenSynced(),
      ),
    );
  }
  async sync(): Promise<void> {
    this.#running = this.#informer.run(this.#stop.signal);
    await this.#informer.whenSynced();
    await this.#handlersSynced;
  }
  updates(): number {
    return this.#counters.least('updates');
  }
  size(): { all: number; indexed: number } {
    const { lister } = this.#informer;
    return { all: lister.size, indexed: lister.byIndex('app', 'app-07').length };
  }
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#store.close();
  }
}
