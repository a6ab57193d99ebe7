import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { LeaderElector } from 'setpoint/coordination';
import type { Store } from 'setpoint/store';
import { succeed, type Times } from './take-over.ts';

export interface PartitionSample {
  readonly failoverMs: number;
  /** How long the old leader believed on after the new one was elected; below 0: it had stopped before. */
  readonly overlapMs: number;
}

/** A store that answers nothing from a moment on, as when the network is gone. */
function cuttable(store: Store): { readonly store: Store; readonly cut: () => void } {
  let cut = false;
  const never = new Promise<never>(() => {});
  const proxy = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (cut) return never;
        const answer: unknown = value.apply(target, args);
        return answer instanceof Promise ? answer.then((result) => (cut ? never : result)) : answer;
      };
    },
  });
  return { store: proxy, cut: () => void (cut = true) };
}

/** A leader is cut off, and goes on believing until its own deadline. */
export async function partition(endpoint: string, shared: Store, times: Times, name: string): Promise<PartitionSample> {
  const own = etcdStore({ endpoints: endpoint });
  const { store, cut } = cuttable(own);
  const first = new LeaderElector({ ...times, name, store });
  const stop = new AbortController();
  first.run(stop.signal).catch(() => {});
  const { signal } = await first.whenLeading();
  let believedUntil = Infinity;
  signal.addEventListener('abort', () => (believedUntil = performance.now()));
  const successor = succeed(shared, { ...times, name });
  await wait(1000 + Math.random() * times.retryPeriodMs!);
  const goneAt = performance.now();
  cut();
  const { electedAt, committedAt } = await successor.committed;
  successor.stop();
  stop.abort();
  await own.close();
  return { failoverMs: committedAt - goneAt, overlapMs: believedUntil - electedAt };
}
