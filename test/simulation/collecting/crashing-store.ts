import type { Random } from 'setpoint';
import type { Store } from 'setpoint/store';

/** A process's connection, which dies with it: from then on nothing is answered, and the call at hand may be applied. */
export interface CrashingStore {
  readonly store: Store;
  /** Resolves when it has crashed. */
  readonly crashed: Promise<void>;
}

const WRITES = new Set(['put', 'delete', 'txn']);

/** Crashes at its `writes`-th write; never for Infinity. */
export function crashingStore(inner: Store, writes: number, random: Random): CrashingStore {
  let left = writes;
  let dead = false;
  let report: () => void;
  const crashed = new Promise<void>((resolve) => (report = resolve));
  const store = new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        if (name === 'watch') return member.apply(target, args);
        if (dead) return new Promise(() => {});
        if (WRITES.has(String(name)) && left-- <= 0) {
          dead = true;
          report();
          if (random.next() < 0.5) void (member.apply(target, args) as Promise<unknown>).catch(() => {});
          return new Promise(() => {});
        }
        return member.apply(target, args);
      };
    },
  });
  return { store, crashed };
}
