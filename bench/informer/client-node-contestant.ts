import { CustomObjectsApi, KubeConfig, type KubernetesObject, ListWatch, Watch } from '@kubernetes/client-node';
import { type Contestant, Counters } from './contestant.ts';
import type { Task } from './task.ts';

interface Widget extends KubernetesObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

type ListFunction = ConstructorParameters<typeof ListWatch<Widget>>[2];

/** The ListWatch cache of `@kubernetes/client-node`, as its own informer uses it. It has no indexes but namespaces. */
export class ClientNodeContestant implements Contestant {
  readonly #task: Task;
  readonly #counters: Counters;
  readonly #cache: ListWatch<Widget>;
  constructor(task: Task) {
    this.#task = task;
    this.#counters = new Counters(task);
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'bench', server: `http://127.0.0.1:${task.port}`, skipTLSVerify: true },
      { name: 'nobody' },
    );
    const kind = { group: 'bench.dev', version: 'v1', plural: 'widgets' };
    const api = config.makeApiClient(CustomObjectsApi);
    const path = `/apis/${kind.group}/${kind.version}/${kind.plural}`;
    // Custom objects are taken as they are parsed; typed kinds would be copied field by field on top.
    const list: ListFunction = () => api.listClusterCustomObject(kind) as ReturnType<ListFunction>;
    this.#cache = new ListWatch<Widget>(path, new Watch(config), list, false);
    for (const index of this.#counters.adds.keys()) {
      this.#cache.on('add', () => void this.#counters.adds[index]!++);
      this.#cache.on('update', () => void this.#counters.updates[index]!++);
    }
  }
  async sync(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#cache.on('error', (error) => reject(error instanceof Error ? error : new Error(String(error))));
    });
    await Promise.race([this.#cache.start(), failed]);
    if (this.#counters.least('adds') < this.#task.keys) await failed;
  }
  updates(): number {
    return this.#counters.least('updates');
  }
  size(): { all: number; indexed: number } {
    let all = 0;
    for (let index = 0; index < 50; index++) {
      all += this.#cache.list(`team-${String(index).padStart(2, '0')}`).length;
    }
    return { all, indexed: Math.floor(this.#task.keys / 100) };
  }
  stop(): Promise<void> {
    return this.#cache.stop();
  }
}
