import { beforeEach, describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { Shards, type ShardsOptions } from './shards.ts';

describe('shards, when something goes wrong', () => {
  let clock: FakeClock;
  let store: Store;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
  });

  function replica(options: Partial<ShardsOptions>) {
    const common = { store, name: 's', slots: 16, leaseDurationMs: 6000, clock, random: seededRandom(1) };
    const shards = new Shards({ ...common, ...options });
    const abort = new AbortController();
    const run = shards.run(abort.signal).catch((error: unknown) => error);
    return { shards, abort, run };
  }

  /** The store, with a say in whether a call is answered. */
  const meddling = (meddle: (name: keyof Store, args: readonly unknown[]) => Error | undefined): Store =>
    new Proxy(store, {
      get(target, name: keyof Store) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const error = meddle(name, args);
          if (!error) return value.apply(target, args) as unknown;
          if (name !== 'watch') return Promise.reject(error);
          return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
        };
      },
    });

  it('a stop while the store is away ends well', async () => {
    const away = new SetpointError('Unavailable', 'nobody there');
    let abort = (): void => {};
    const a = replica({
      store: meddling((name) => {
        if (name !== 'leaseGrant') return undefined;
        abort();
        return away;
      }),
    });
    abort = () => a.abort.abort();
    await clock.advance(5000);
    expect(await a.run).toBeUndefined();
  });

  it('a stop while a replica joins ends well', async () => {
    let abort = (): void => {};
    const a = replica({
      store: meddling((name) => {
        if (name !== 'txn') return undefined;
        abort();
        return new SetpointError('Aborted', 'its caller gave it up');
      }),
    });
    abort = () => a.abort.abort();
    await clock.advance(5000);
    expect(await a.run).toBeUndefined();
    expect(await store.leases()).toEqual([]);
  });

  it('F-34: a replica whose watch finds its history compacted, and the store away, keeps its slots', async () => {
    let broken: Error[] = [];
    const a = replica({
      store: meddling((name, [request]) => {
        const everything = (request as { prefix?: string }).prefix === '/setpoint/shards/s/';
        return everything && (name === 'watch' || name === 'range') ? broken.shift() : undefined;
      }),
    });
    const away = new SetpointError('Unavailable', 'nobody there');
    broken = [undefined!, new SetpointError('Compacted', 'no history'), away, away, away];
    await clock.advance(0);
    const stay = a.shards.enter('x')!;
    await clock.advance(5000);
    expect(broken).toEqual([]);
    expect(stay.ownership.held).toBe(true);
    await store.delete({ key: stay.ownership.key });
    await clock.advance(0);
    expect(stay.ownership.held).toBe(false);
  });

  it('what can not be opened is tried again at a pace', async () => {
    let asked = 0;
    const a = replica({
      onAcquired: () => (asked++ < 5 ? Promise.reject(new Error('the caches are gone')) : Promise.resolve()),
    });
    await clock.advance(1000);
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(6);
    expect(a.shards.owned).toHaveLength(16);
    expect(a.shards.enter('x')).toBeUndefined();
    await clock.advance(10_000);
    expect(asked).toBe(6);
    expect(a.shards.enter('x')).toBeDefined();
  });

  it('what makes owning slots impossible ends a replica, and does not make session after session', async () => {
    await store.put({ key: '/setpoint/incarnation', value: 'a hand' });
    let sessions = 0;
    const a = replica({ store: meddling((name) => void (name === 'leaseGrant' && sessions++)) });
    await clock.advance(10_000);
    expect(sessions).toBe(1);
    expect(await a.run).toMatchObject({ code: 'Invalid' });
  });
});
