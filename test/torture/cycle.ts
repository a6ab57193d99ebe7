import { etcdStore } from '@setpoint/etcd';
import { createInformer, type Informer } from 'setpoint/informer';
import { textCodec } from 'setpoint/resource';
import type { Store, WatchRequest } from 'setpoint/store';
import { type Random, seededRandom } from 'setpoint/testing';
import { type EtcdServer, startEtcd, type StartEtcdOptions } from '../harness/etcd-server.ts';
import { type FrameProxy, type FrameProxyOptions, startFrameProxy } from '../harness/frame-proxy.ts';
import { Scope } from '../harness/scope.ts';
import { type ProxyOptions, startProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { type Watched, watched } from '../harness/watched.ts';
import { RecordedLog } from './recorded-log.ts';

type StoreOptions = Parameters<typeof etcdStore>[0];

/** What the cycles of one row on one version have in common: servers that a cycle does not harm, and measurements. */
export class RowRun {
  readonly version: string;
  readonly members: 1 | 3;
  readonly worst = new Map<string, number>();
  readonly #scope = new Scope();
  readonly #shared = new Map<string, Promise<unknown>>();

  constructor(version: string, members: 1 | 3 = 1) {
    this.version = version;
    this.members = members;
  }

  shared<T>(name: string, make: (tools: Tools) => Promise<T>): Promise<T> {
    const existing = this.#shared.get(name) as Promise<T> | undefined;
    if (existing) return existing;
    const value = make(new Tools(this, this.#scope));
    this.#shared.set(name, value);
    // The next cycle tries again.
    value.catch(() => this.#shared.delete(name));
    return value;
  }

  dispose(): Promise<void> {
    return this.#scope.dispose();
  }
}

/** Makes what a cycle works with; all of it goes with the scope. */
export class Tools {
  readonly version: string;
  /** How many members a server has unless the row says so. */
  readonly members: 1 | 3;
  /** What the stores logged. */
  readonly log = new RecordedLog();
  protected readonly scope: Scope;

  constructor({ version, members }: { readonly version: string; readonly members: 1 | 3 }, scope: Scope) {
    this.version = version;
    this.members = members;
    this.scope = scope;
  }

  defer(dispose: () => unknown): void {
    this.scope.defer(dispose);
  }

  async etcd(options: Omit<StartEtcdOptions, 'version'> = {}): Promise<EtcdServer> {
    const server = await startEtcd({ version: this.version, members: this.members, ...options });
    this.scope.defer(() => server.dispose());
    return server;
  }

  store(endpoints: string | readonly string[], options: Omit<StoreOptions, 'endpoints'> = {}): Store {
    const store = etcdStore({ endpoints, logger: this.log, ...options });
    this.scope.defer(() => store.close());
    return store;
  }

  async tcpProxy(target: string, options?: ProxyOptions): Promise<TcpProxy> {
    const proxy = await startProxy(target, options);
    this.scope.defer(() => proxy.dispose());
    return proxy;
  }

  async frameProxy(target: string, options?: FrameProxyOptions): Promise<FrameProxy> {
    const proxy = await startFrameProxy(target, options);
    this.scope.defer(() => proxy.dispose());
    return proxy;
  }

  watch(store: Store, request: WatchRequest): Watched {
    const watch = watched(store, request);
    this.scope.defer(() => watch.stop());
    return watch;
  }

  /** A running informer over texts. */
  informer(store: Pick<Store, 'range' | 'watch'>, prefix: string, pageSize = 10_000): Informer<string> {
    return this.run(createInformer({ store, prefix, codec: textCodec, pageSize }));
  }

  /** The same informer, running. */
  run<T>(informer: Informer<T>): Informer<T> {
    const life = new AbortController();
    const running = informer.run(life.signal);
    this.scope.defer(() => {
      life.abort();
      return running;
    });
    return informer;
  }
}

/** One time that a row's fault is made to happen. */
export class Cycle extends Tools {
  /** Counts from 0. */
  readonly number: number;
  readonly random: Random;
  readonly #run: RowRun;

  constructor(run: RowRun, number: number, seed: number, scope: Scope) {
    super(run, scope);
    this.#run = run;
    this.number = number;
    this.random = seededRandom(seed);
  }

  /** Something that all cycles of the row use, made by the first. */
  shared<T>(name: string, make: (tools: Tools) => Promise<T>): Promise<T> {
    return this.#run.shared(name, make);
  }

  /** A server that outlives the cycle, and runs whole again after it. Keys are to be below the cycle's own `prefix`. */
  async sharedEtcd(options: Omit<StartEtcdOptions, 'version'> = {}): Promise<EtcdServer> {
    const server = await this.shared(`etcd ${JSON.stringify(options)}`, (tools) => tools.etcd(options));
    this.defer(() => makeWhole(server));
    return server;
  }

  get prefix(): string {
    return `/cycle-${this.number}/`;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random.next() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)]!;
  }

  /** Notes a number of which the table shows the largest. */
  measure(name: string, value: number): void {
    this.#run.worst.set(name, Math.max(value, this.#run.worst.get(name) ?? -Infinity));
  }
}

async function makeWhole(server: EtcdServer): Promise<void> {
  server.resume();
  server.heal();
  const dead = server.members.filter(({ running }) => !running);
  dead.forEach((member) => member.launch());
  if (dead.length > 0) await Promise.all(server.members.map((member) => member.ready()));
}
