import { onTestFinished } from 'vitest';
import { etcdStore } from '@setpoint/etcd';
import type { Store, WatchOptions, WatchRequest } from 'setpoint/store';
import { type EtcdServer, startEtcd, type StartEtcdOptions } from './etcd-server.ts';
import { type ProxyOptions, startProxy, type TcpProxy } from './tcp-proxy.ts';
import { type Watched, watched } from './watched.ts';

/** What a test uses and must not leave behind: each goes when the test is over, in the opposite order, also on failure. */

export async function testEtcd(options: StartEtcdOptions): Promise<EtcdServer> {
  const server = await startEtcd(options);
  onTestFinished(() => server.dispose());
  return server;
}

export async function testProxy(target: string, options?: ProxyOptions): Promise<TcpProxy> {
  const proxy = await startProxy(target, options);
  onTestFinished(() => proxy.dispose());
  return proxy;
}

export function testStore(options: Parameters<typeof etcdStore>[0]): Store {
  const store = etcdStore(options);
  onTestFinished(() => store.close());
  return store;
}

export function testWatch(store: Store, request: WatchRequest, options?: WatchOptions): Watched {
  const watch = watched(store, request, options);
  onTestFinished(() => watch.stop());
  return watch;
}
