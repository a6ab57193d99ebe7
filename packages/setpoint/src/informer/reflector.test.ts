import { afterEach, describe, expect, it } from 'vitest';
import { type Interposer, interposedStore } from '../../../../test/harness/interposed-store.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { keyText, memoryStore, type RangeRequest, type WatchBatch, type WatchRequest } from '../store/index.ts';
import type { ListReason, ReflectorSink } from './reflector-state.ts';
import { Reflector } from './reflector.ts';

interface Replaced {
  readonly keys: readonly string[];
  readonly revision: bigint;
}

const unavailable = (): SetpointError => new SetpointError('Unavailable', 'no endpoint answered');
const compacted = (): SetpointError => new SetpointError('Compacted', 'too old', { details: { revision: 5n } });

// oxlint-disable-next-line require-yield -- a watch that delivers nothing
async function* broken(error?: unknown): AsyncGenerator<WatchBatch> {
  if (error !== undefined) throw error;
}

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

/** A reflector over an interposed memory store, and everything that passed by. */
function reflecting(by: Interposer = {}, options: { pageSize?: number; random?: number } = {}) {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const lists: { reason: ListReason; result?: Replaced }[] = [];
  const batches: WatchBatch[] = [];
  const ranges: RangeRequest[] = [];
  const watches: WatchRequest[] = [];
  const failures: [string, unknown][] = [];
  const phases: string[] = [];
  const sink: ReflectorSink = {
    beginList(reason) {
      const list: (typeof lists)[number] = { reason };
      const keys: string[] = [];
      lists.push(list);
      return {
        add: async (page) => void keys.push(...page.map((kv) => keyText(kv.key))),
        commit: async (revision) => void (list.result = { keys, revision }),
      };
    },
    apply: async (batch) => void batches.push(batch),
  };
  const watched = interposedStore(store, {
    range: (request, ask) => (ranges.push(request), by.range ? by.range(request, ask) : ask(request)),
    watch: (request, open, watchOptions) => (
      watches.push(request),
      by.watch ? by.watch(request, open, watchOptions) : open(request)
    ),
  });
  const stop = new AbortController();
  stops.push(stop);
  const fixed = { ...seededRandom(1), next: () => options.random ?? 0 };
  const reflector = new Reflector({
    store: watched,
    prefix: '/things/',
    sink,
    pageSize: options.pageSize ?? 10_000,
    clock,
    random: options.random === undefined ? seededRandom(1) : fixed,
    onState: (state) => phases.push(state.phase),
    onFailure: (error, during) => failures.push([during, error]),
  });
  const put = async (name: string): Promise<bigint> =>
    (await store.put({ key: `/things/${name}`, value: 'x' })).revision;
  const events = (): string[] =>
    batches.flatMap((batch) => batch.events.map(({ type, kv }) => `${type} ${keyText(kv.key)}@${kv.modRevision}`));
  const starts = (): (bigint | undefined)[] => watches.map((request) => request.startRevision);
  const run = (): Promise<void> => reflector.run(stop.signal);
  return { clock, store, lists, batches, ranges, watches, failures, phases, stop, put, events, starts, run, reflector };
}

describe('Reflector', () => {
  it('F-37: lists anew when what it fed proves wrong just while no watch stands', async () => {
    let down = true;
    const world = reflecting({ watch: (request, open) => (down ? broken(unavailable()) : open(request)) });
    void world.run();
    await settle();
    expect(world.phases.at(-1)).toBe('backing-off');
    down = false;
    world.reflector.distrust();
    await world.clock.advance(60_000);
    expect(world.lists.map(({ reason }) => reason)).toEqual(['start', 'divergence']);
    expect(world.phases.at(-1)).toBe('watching');
  });

  it('I-72: watches from the list revision + 1 and misses nothing that is written between list and watch', async () => {
    const world = reflecting({
      range: async (request, ask) => {
        const answer = await ask(request);
        await world.put('between');
        return answer;
      },
    });
    await world.put('before');
    void world.run();
    await settle();
    await world.put('after');
    await settle();
    expect(world.lists).toEqual([{ reason: 'start', result: { keys: ['/things/before'], revision: 2n } }]);
    expect(world.starts()).toEqual([3n]);
    expect(world.events()).toEqual(['put /things/between@3', 'put /things/after@4']);
  });

  it('I-84: reads every page at the revision of the first, from the last key on', async () => {
    const world = reflecting(
      {
        range: async (request, ask) => {
          const answer = await ask(request);
          await world.put(`k-${world.ranges.length}-new`);
          return answer;
        },
      },
      { pageSize: 2 },
    );
    for (const name of ['k-0', 'k-1', 'k-2', 'k-3', 'k-4']) await world.put(name);
    void world.run();
    await settle();
    expect(world.lists[0]?.result?.keys).toEqual(['k-0', 'k-1', 'k-2', 'k-3', 'k-4'].map((name) => `/things/${name}`));
    expect(world.ranges.map((request) => request.revision)).toEqual([undefined, 6n, 6n]);
    expect(world.ranges.map((request) => 'key' in request && keyText(request.key as Uint8Array))).toEqual([
      false,
      '/things/k-1\0',
      '/things/k-3\0',
    ]);
    expect(world.events()).toHaveLength(3);
  });

  it('sizes pages by bytes: the first is small, and large values make the next ones smaller', async () => {
    const world = reflecting();
    for (let at = 0; at < 600; at++) {
      await world.store.put({ key: `/things/${String(at).padStart(4, '0')}`, value: 'x'.repeat(50_000) });
    }
    void world.run();
    await settle();
    expect(world.lists[0]?.result?.keys).toHaveLength(600);
    expect(world.ranges.map((request) => request.limit)).toEqual([16, 83, 83, 83, 83, 83, 83, 83, 83]);
  });

  it('asks for a smaller page when one was too much, and goes on where it was', async () => {
    const world = reflecting({
      range: (request, ask) =>
        (request.limit ?? 0) > 10 ? Promise.reject(new SetpointError('TooLarge', 'over the limit')) : ask(request),
    });
    for (let at = 0; at < 20; at++) await world.put(`k-${at}`);
    void world.run();
    await world.clock.advance(10_000);
    expect(world.ranges.map((request) => request.limit)).toEqual([16, 4, 4, 4, 4, 4]);
    expect(world.lists).toHaveLength(1);
    expect(world.lists[0]?.result?.keys).toHaveLength(20);
  });

  it('F-35: compaction between two pages restarts the list; two revisions are never mixed', async () => {
    let compactions = 0;
    const world = reflecting(
      {
        range: async (request, ask) => {
          if (request.revision !== undefined && compactions++ === 0) {
            const revision = await world.put('k-new');
            await world.store.compact(revision);
          }
          return ask(request);
        },
      },
      { pageSize: 2 },
    );
    for (const name of ['k-0', 'k-1', 'k-2']) await world.put(name);
    void world.run();
    await settle();
    expect(world.lists).toEqual([
      { reason: 'start' },
      {
        reason: 'compacted',
        result: { keys: ['k-0', 'k-1', 'k-2', 'k-new'].map((name) => `/things/${name}`), revision: 5n },
      },
    ]);
    expect(world.failures).toEqual([]);
  });

  it('I-76, I-77: a compacted watch leads to a new list at once, not to going on behind the compaction', async () => {
    let opened = 0;
    const world = reflecting({
      watch: (request, open) => (opened++ === 0 ? broken(compacted()) : open(request)),
    });
    await world.put('a');
    void world.run();
    await settle();
    expect(world.lists.map(({ reason }) => reason)).toEqual(['start', 'compacted']);
    expect(world.starts()).toEqual([3n, 3n]);
    expect(world.clock.now()).toBe(0);
    expect(world.failures).toEqual([]);
  });

  it('lists again, at once, when the watch has fallen far behind, and lets a slow list fall behind further', async () => {
    const limits: (number | undefined)[] = [];
    const world = reflecting({
      watch: (request, open, { behindMax }) => {
        limits.push(behindMax);
        return limits.length <= 3 ? broken(new SetpointError('FarBehind', 'too far')) : open(request);
      },
    });
    void world.run();
    await settle();
    expect(world.lists.filter(({ result }) => result).map(({ reason }) => reason)).toEqual(['start', 'far-behind']);
    expect(world.failures).toHaveLength(1);
    await world.clock.advance(10_000);
    expect(limits).toEqual([10_000, 20_000, 40_000, 80_000]);
  });

  it('allows a watch that worked once to fall behind no further than at first', async () => {
    async function* markThenFail(): AsyncGenerator<WatchBatch> {
      yield { revision: 2n, events: [] };
      throw unavailable();
    }
    const limits: (number | undefined)[] = [];
    const world = reflecting({
      watch: (request, open, { behindMax }) => {
        limits.push(behindMax);
        if (limits.length === 2) return markThenFail();
        return limits.length === 1 ? broken(new SetpointError('FarBehind', 'too far')) : open(request);
      },
    });
    void world.run();
    await world.clock.advance(60_000);
    expect(limits).toEqual([10_000, 20_000, 10_000]);
  });

  it('F-36: compaction that overtakes each list leads to waits, not to a hot loop', async () => {
    const world = reflecting({ watch: () => broken(compacted()) }, { random: 0 });
    void world.run();
    await settle();
    expect(world.lists).toHaveLength(3);
    await world.clock.advance(60_000);
    expect(world.lists.length).toBeLessThan(10);
    expect(world.failures.length).toBeGreaterThan(0);
  });

  it('I-77: a compaction long after the last one is answered at once again', async () => {
    const ends: ((error: unknown) => void)[] = [];
    const world = reflecting({
      watch: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise((_resolve, reject) => ends.push(reject)) }),
      }),
    });
    void world.run();
    for (const lists of [2, 3, 4]) {
      await world.clock.advance(5_000);
      ends.pop()!(compacted());
      await settle();
      expect(world.lists).toHaveLength(lists);
    }
    expect(world.failures).toEqual([]);
  });

  it('I-78: waits 800 ms, doubling up to 30 s, without jitter at the lower bound', async () => {
    const world = reflecting({ range: () => Promise.reject(unavailable()) }, { random: 0 });
    void world.run();
    const waits: number[] = [];
    for (let at = 0; at < 8; at++) {
      await settle();
      waits.push(world.clock.nextTimerIn ?? NaN);
      await world.clock.advance(waits.at(-1)!);
    }
    expect(waits).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  });

  it('I-78: each delay lies in [d, 2d)', async () => {
    const world = reflecting({ range: () => Promise.reject(unavailable()) }, { random: 0.999 });
    void world.run();
    await settle();
    expect(world.clock.nextTimerIn).toBeCloseTo(800 * 1.999);
  });

  it.each([
    { quietMs: 119_000, waitMs: 1600 },
    { quietMs: 120_000, waitMs: 800 },
  ])('I-78: $quietMs ms after a back-off began, the next wait is $waitMs ms', async ({ quietMs, waitMs }) => {
    const world = reflecting(
      {
        range: (request, ask) => (world.ranges.length === 1 ? Promise.reject(unavailable()) : ask(request)),
        watch: () => endingAfter(world.clock, quietMs - 800, unavailable()),
      },
      { random: 0 },
    );
    void world.run();
    await world.clock.advance(quietMs);
    expect(world.failures).toHaveLength(2);
    expect(world.clock.nextTimerIn).toBe(waitMs);
  });

  it('waits at least as long as a store that is overloaded asks for', async () => {
    const overloaded = new SetpointError('TooManyRequests', 'later', { details: { retryAfterMs: 7000 } });
    const world = reflecting({ range: () => Promise.reject(overloaded) }, { random: 0 });
    void world.run();
    await settle();
    expect(world.clock.nextTimerIn).toBe(7000);
  });

  it('I-79: a broken connection is watched again from the same revision, without a list', async () => {
    const world = reflecting({
      watch: (request, open) => {
        if (world.watches.length > 1) return open(request);
        return (async function* () {
          for await (const batch of open(request)) {
            yield batch;
            throw unavailable();
          }
        })();
      },
    });
    await world.put('a');
    void world.run();
    await settle();
    await world.put('b');
    await settle();
    await world.put('c');
    await world.clock.advance(2_000);
    expect(world.lists).toHaveLength(1);
    expect(world.starts()).toEqual([3n, 4n]);
    expect(world.events()).toEqual(['put /things/b@3', 'put /things/c@4']);
  });

  it('I-82: a watch that ends in under 1 s without an event backs off; a list is not needed', async () => {
    const world = reflecting({ watch: () => broken() }, { random: 0 });
    void world.run();
    await settle();
    expect(world.watches).toHaveLength(1);
    expect(world.clock.nextTimerIn).toBe(800);
    await world.clock.advance(10_000);
    expect(world.watches).toHaveLength(4);
    expect(world.lists).toHaveLength(1);
    expect(world.failures[0]).toMatchObject(['watch', { code: 'Unavailable' }]);
  });

  it('I-81: a watch that ends after a while, or after an event, is opened again without a wait', async () => {
    const world = reflecting({
      watch: (request, open) => (world.watches.length === 1 ? endingAfter(world.clock, 1000) : open(request)),
    });
    void world.run();
    await settle();
    await world.clock.advance(1000);
    expect(world.watches).toHaveLength(2);
    expect(world.failures).toEqual([]);
  });

  it('I-83: a progress mark moves the place to resume from', async () => {
    let marked = false;
    const world = reflecting({
      watch: (request, open) => {
        if (marked) return open(request);
        marked = true;
        return (async function* () {
          yield { revision: 40n, events: [] };
          throw unavailable();
        })();
      },
    });
    void world.run();
    await world.clock.advance(2_000);
    expect(world.starts()).toEqual([2n, 41n]);
  });

  it('I-93: a list that is older than what was seen means another history, and says so', async () => {
    let answers = 0;
    const world = reflecting({
      range: async (request, ask) => {
        const answer = await ask(request);
        return answers++ === 0 ? { ...answer, revision: 50n } : answer;
      },
      watch: (request, open) => (world.watches.length === 1 ? broken(compacted()) : open(request)),
    });
    await world.put('a');
    void world.run();
    await settle();
    await world.clock.advance(5_000);
    expect(world.lists.map(({ reason, result }) => [reason, result?.revision])).toEqual([
      ['start', 50n],
      ['compacted', undefined],
      ['history-reset', 2n],
    ]);
    expect(world.starts().at(-1)).toBe(3n);
  });

  it('I-93: a history reset stays one until a list has come to its end', async () => {
    let opened = 0;
    let answers = 0;
    const world = reflecting({
      range: (request, ask) =>
        answers++ === 1 ? Promise.reject(new SetpointError('Internal', 'something odd')) : ask(request),
      watch: (request, open) =>
        opened++ === 0 ? broken(new SetpointError('HistoryReset', 'a backup was restored')) : open(request),
    });
    void world.run();
    await world.clock.advance(5_000);
    expect(world.lists.map(({ reason, result }) => [reason, result !== undefined])).toEqual([
      ['start', true],
      ['history-reset', false],
      ['history-reset', true],
    ]);
  });

  it('keeps asking when permission is refused: slowly, and telling each time', async () => {
    let refused = true;
    const world = reflecting(
      {
        range: (request, ask) =>
          refused ? Promise.reject(new SetpointError('PermissionDenied', 'not yours')) : ask(request),
      },
      { random: 0 },
    );
    void world.run();
    await world.clock.advance(90_000);
    expect(world.ranges).toHaveLength(4);
    expect(world.failures).toHaveLength(4);
    expect(world.failures[0]).toMatchObject(['list', { code: 'PermissionDenied' }]);
    refused = false;
    await world.clock.advance(30_000);
    expect(world.lists).toMatchObject([{ reason: 'start', result: { keys: [] } }]);
  });

  it('goes on with the same page after a broken connection', async () => {
    let asked = 0;
    const world = reflecting(
      { range: (request, ask) => (asked++ === 1 ? Promise.reject(unavailable()) : ask(request)) },
      { pageSize: 2 },
    );
    for (const name of ['a', 'b', 'c']) await world.put(name);
    void world.run();
    await world.clock.advance(2_000);
    expect(world.lists).toHaveLength(1);
    expect(world.ranges.map((request) => request.revision)).toEqual([undefined, 4n, 4n]);
  });

  it('I-80: a watch that fails in ways that nobody foresaw is resumed for 30 s, and then everything is listed', async () => {
    const odd = { till: 20_000 };
    const world = reflecting({
      watch: (request, open) => (world.clock.now() < odd.till ? broken(new TypeError('a bug')) : open(request)),
    });
    odd.till += world.clock.now();
    void world.run();
    await world.clock.advance(60_000);
    expect(world.lists.map(({ reason }) => reason)).toEqual(['start']);
    expect(world.watches.length).toBeGreaterThan(2);
    expect(world.watches.length).toBeLessThan(10);
    expect(world.phases.at(-1)).toBe('watching');
  });

  it('I-80: lists when the watch goes on failing for longer, and after a list that failed so at once', async () => {
    const world = reflecting({
      watch: (request, open) => (world.lists.length === 1 ? broken(new TypeError('a bug')) : open(request)),
    });
    void world.run();
    await world.clock.advance(29_000);
    expect(world.lists).toHaveLength(1);
    await world.clock.advance(60_000);
    expect(world.lists.map(({ reason }) => reason)).toEqual(['start', 'failure']);
    let failed = false;
    const other = reflecting({
      range: (request, ask) => (failed ? ask(request) : ((failed = true), Promise.reject(new TypeError('a bug')))),
    });
    void other.run();
    await other.clock.advance(2000);
    expect(other.lists.map(({ reason }) => reason)).toEqual(['start', 'failure']);
  });

  it('ends with an error when the store is closed, and only then', async () => {
    const world = reflecting();
    const running = world.run();
    await settle();
    await world.store.close();
    await expect(running).rejects.toMatchObject({ code: 'Closed' });
  });

  it('I-89: ends within one turn, also when the store does not listen to the signal', async () => {
    const deaf = {
      range: () => new Promise<never>(() => {}),
      watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
    };
    for (const by of [{ range: deaf.range }, { watch: deaf.watch }, { range: () => Promise.reject(unavailable()) }]) {
      const world = reflecting(by);
      let ended = false;
      void world.run().then(() => (ended = true));
      await settle();
      world.stop.abort();
      await settle();
      expect(ended).toBe(true);
      await world.store.close();
      expect(world.clock.pendingTimers).toBe(0);
    }
  });
});

/** A quiet watch that ends after `ms`, with `error` if there is one. */
// oxlint-disable-next-line require-yield -- a watch that delivers nothing
async function* endingAfter(clock: FakeClock, ms: number, error?: unknown): AsyncGenerator<WatchBatch> {
  await new Promise<void>((resolve) => clock.setTimer(resolve, ms));
  if (error !== undefined) throw error;
}
