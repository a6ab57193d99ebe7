import { Etcd3 } from 'etcd3';
import { NaiveQueue } from '../naive-queue.ts';
import { type ControllerTask, type StoredWidget, widgetsPrefix } from './job.ts';
import type { Tally } from './tally.ts';

export interface RunningController {
  stop(): Promise<void>;
}

/** An object with the revision that a write of it is conditional on. */
interface Cached {
  readonly object: StoredWidget;
  readonly modRevision: string;
}

/**
 * The same job as one writes it by hand on plain etcd3: list, then watch, a Map for a cache, a queue of keys, a number
 * of workers, and a transaction for each status. What it leaves out is what the comparison is about: it does not
 * resume after lost events, retries at once, and knows no time-outs, metrics, owners or health.
 */
export async function startEtcd3(task: ControllerTask, tally: Tally): Promise<RunningController> {
  const etcd = new Etcd3({ hosts: task.endpoint, grpcOptions: { 'grpc.max_receive_message_length': -1 } });
  const controller = new HandWritten(etcd, task, tally);
  const stopWatch = await controller.start();
  return {
    async stop() {
      await stopWatch();
      etcd.close();
    },
  };
}

class HandWritten {
  readonly #etcd: Etcd3;
  readonly #prefix: string;
  readonly #workers: number;
  readonly #tally: Tally;
  readonly #cache = new Map<string, Cached>();
  readonly #queue = new NaiveQueue();
  #busy = 0;

  constructor(etcd: Etcd3, { prefix, workers }: ControllerTask, tally: Tally) {
    this.#etcd = etcd;
    this.#prefix = widgetsPrefix(prefix);
    this.#workers = workers;
    this.#tally = tally;
  }

  async start(): Promise<() => Promise<void>> {
    const { kvs, header } = await this.#etcd.getAll().prefix(this.#prefix).exec();
    for (const { key, value, mod_revision: revision } of kvs) this.#changed(key, value, revision);
    const revision = String(BigInt(header.revision) + 1n);
    const watcher = await this.#etcd.watch().prefix(this.#prefix).startRevision(revision).create();
    watcher.on('put', ({ key, value, mod_revision: at }) => {
      this.#changed(key, value, at);
      this.#handOut();
    });
    watcher.on('delete', ({ key }) => void this.#cache.delete(String(key)));
    this.#handOut();
    return () => watcher.cancel();
  }

  #changed(key: Buffer, value: Buffer, modRevision: string): void {
    const name = key.toString();
    this.#cache.set(name, { object: JSON.parse(value.toString()) as StoredWidget, modRevision });
    this.#queue.add(name);
  }

  #handOut(): void {
    while (this.#busy < this.#workers) {
      const key = this.#queue.tryGet();
      if (key === undefined) return;
      this.#busy++;
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    let again = false;
    try {
      again = !(await this.#reconcile(key));
    } catch {
      again = true;
    }
    this.#queue.done(key);
    if (again) this.#queue.add(key);
    this.#busy--;
    this.#handOut();
  }

  /** Whether the object's status is as it should be. */
  async #reconcile(key: string): Promise<boolean> {
    const cached = this.#cache.get(key);
    if (!cached || cached.object.status?.observedGeneration === cached.object.metadata.generation) return true;
    this.#tally.calling();
    const { object, modRevision } = cached;
    const { generation } = object.metadata;
    const next: StoredWidget = { ...object, status: { seen: object.spec.stamp, observedGeneration: generation } };
    const { succeeded } = await this.#etcd
      .if(key, 'Mod', '==', modRevision)
      .then(this.#etcd.put(key).value(JSON.stringify(next)))
      .commit();
    if (succeeded) this.#tally.written(object.spec.stamp);
    return succeeded;
  }
}
