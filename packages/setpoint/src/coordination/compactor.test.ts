import { beforeEach, describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { listPages, memoryStore, type Store } from '../store/index.ts';
import { Compactor } from './compactor.ts';

const MINUTE = 60_000;

describe('the compactor', () => {
  let clock: FakeClock;
  let store: Store;
  /** When what was compacted, by whom. */
  let compacted: { at: number; revision: bigint; by: number }[];

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    compacted = [];
  });

  function start(by: number, options: { readonly over?: Store } = {}) {
    const counting = new Proxy(options.over ?? store, {
      get(target, name) {
        if (name === 'compact')
          return (revision: bigint) => (compacted.push({ at: clock.now(), revision, by }), store.compact(revision));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const abort = new AbortController();
    const compactor = new Compactor({ store: counting, clock, random: seededRandom(by + 1) });
    return { abort, run: compactor.run(abort.signal) };
  }
  /** A write each ten seconds, and at which revision the store was at each minute. */
  async function minutes(count: number): Promise<void> {
    for (let step = 0; step < count * 6; step++) {
      await store.put({ key: 'busy', value: '' });
      await clock.advance(MINUTE / 6);
    }
  }
  const revisionNow = async () => (await store.range({ key: 'busy' })).revision;

  it('I-155: of many processes exactly one compacts in each interval', async () => {
    const all = Array.from({ length: 7 }, (_, by) => start(by));
    await minutes(62);
    expect(compacted).toHaveLength(12);
    const intervals = compacted.map(({ at }) => Math.floor(at / (5 * MINUTE)));
    expect(new Set(intervals).size).toBe(12);
    for (const { abort } of all) abort.abort();
    await Promise.all(all.map(({ run }) => run));
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-156: nothing in the first round, then the revision of one interval ago: five minutes of history are always there', async () => {
    const { abort } = start(0);
    await minutes(4);
    const early = await revisionNow();
    await minutes(4);
    expect(compacted).toHaveLength(1);
    expect(compacted[0]!.revision).toBeLessThanOrEqual(early);
    for (let round = 0; round < 10; round++) {
      const then = await revisionNow();
      await minutes(4.9);
      expect((await store.range({ key: 'busy', revision: then })).revision).toBeGreaterThan(then);
    }
    abort.abort();
  });

  it('I-156: when the one that compacted is gone another goes on, and history is at least five and at most ten minutes and a bit', async () => {
    const [a, b] = [start(0), start(1)];
    await minutes(12);
    const last = compacted.at(-1)!.by;
    (last === 0 ? a : b).abort.abort();
    await minutes(20);
    const after = compacted.filter(({ by }) => by !== last);
    expect(after.length).toBeGreaterThanOrEqual(3);
    for (const [index, { at }] of compacted.entries()) {
      if (index > 0) expect(at - compacted[index - 1]!.at).toBeLessThanOrEqual(10 * MINUTE + 1000);
    }
    for (const { abort } of [a, b]) abort.abort();
  });

  it('I-157: a list, a read and a watch at a compacted revision fail typed, and never with other data', async () => {
    const { abort } = start(0);
    const { revision } = await store.put({ key: 'busy', value: 'then' });
    for (const key of ['list/a', 'list/b', 'list/c']) await store.put({ key, value: '' });
    const pages = listPages(store, { prefix: 'list/' }, { pageKeysMax: 2 });
    expect((await pages.next()).value?.kvs).toHaveLength(2);
    await minutes(12);
    // What is left of the list is not made up from another revision.
    await expect(pages.next()).rejects.toMatchObject({ code: 'Compacted' });
    await expect(store.range({ key: 'busy', revision })).rejects.toMatchObject({ code: 'Compacted' });
    await expect(
      store.watch({ key: 'busy', startRevision: revision })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({ code: 'Compacted' });
    abort.abort();
  });

  it('goes on after a store that did not answer, and after somebody else compacted', async () => {
    let broken = true;
    const flaky = new Proxy(store, {
      get(target, name) {
        if (name === 'txn' && broken) return () => Promise.reject(new SetpointError('Unavailable', 'nobody there'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const { abort } = start(0, { over: flaky });
    await minutes(3);
    broken = false;
    await minutes(7);
    await store.compact(await revisionNow());
    await minutes(10);
    expect(compacted.length).toBeGreaterThanOrEqual(2);
    abort.abort();
  });

  it('refuses an interval that is none', () => {
    expect(() => new Compactor({ store, intervalMs: 10 })).toThrow('Invalid');
  });
});
