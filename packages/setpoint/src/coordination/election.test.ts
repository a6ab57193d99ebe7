import { beforeEach, describe, expect, it } from 'vitest';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import type { Logger } from '../internal/logger.ts';
import { seededRandom } from '../internal/random.ts';
import { keyText, memoryStore, type Store } from '../store/index.ts';
import { campaign } from './election.ts';
import { LeaderElector, type LeaderElectorOptions } from './leader-elector.ts';
import { type Leader, observeLeader } from './observe-leader.ts';
import { openSession } from './session.ts';

const PREFIX = '/setpoint/elections/e/';

describe('election', () => {
  let clock: FakeClock;
  let store: Store;
  let seed: number;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    seed = 1;
  });

  const open = (identity: string, over: Store = store) =>
    openSession({ store: over, clock, random: seededRandom(seed++), ttlSeconds: 6, identity });

  /** Everything that an observer is told, until the test ends. */
  function observed(over: Store = store) {
    const seen: (string | undefined)[] = [];
    const abort = new AbortController();
    const tell = (leader: Leader | undefined) => seen.push(leader && `${leader.identity}:${leader.value}`);
    const ended = (async () => {
      const options = { signal: abort.signal, clock, random: seededRandom(99) };
      for await (const leader of observeLeader(over, 'e', options)) tell(leader);
    })();
    return { seen, abort, ended };
  }

  it('I-152: candidates lead in their order; observers see each leader, what it proclaims, and nobody in between', async () => {
    const { seen, abort, ended } = observed();
    const [a, b] = [await open('a'), await open('b')];
    const first = await campaign(a, 'e', { value: 'one' });
    const second = campaign(b, 'e', { value: 'two' });
    await clock.advance(0);
    await first.proclaim('uno');
    await clock.advance(0);
    await first.resign();
    await clock.advance(0);
    await (await second).resign();
    await clock.advance(0);
    expect(seen).toEqual([undefined, 'a:one', 'a:uno', 'b:two', undefined]);
    abort.abort();
    await ended;
  });

  it('I-152: an observer survives a compaction that ends its watch', async () => {
    let ends = 0;
    const breaking = new Proxy(store, {
      get(target, name) {
        if (name === 'watch')
          return (...args: Parameters<Store['watch']>) => {
            if (ends++ === 0) throw new SetpointError('Compacted', 'gone', { details: { revision: 1n } });
            return store.watch(...args);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const { seen, abort } = observed(breaking);
    await clock.advance(1000);
    await campaign(await open('a'), 'e');
    await clock.advance(0);
    expect(seen).toEqual([undefined, 'a:']);
    abort.abort();
  });

  it('I-152: a proclamation of one who was deposed changes nothing', async () => {
    const [a, b] = [await open('a'), await open('b')];
    const first = await campaign(a, 'e');
    await store.leaseRevoke(a.id);
    await campaign(b, 'e', { value: 'mine' });
    await expect(first.proclaim('still me')).rejects.toMatchObject({ code: 'LockLost' });
    expect((await store.range({ prefix: PREFIX })).count).toBe(1n);
    await first.resign();
    expect((await store.range({ prefix: PREFIX })).count).toBe(1n);
  });

  it('I-139: a term is one from election to end: renewals and proclamations change neither its number nor its beginning', async () => {
    const abort = new AbortController();
    const seen: (Leader | undefined)[] = [];
    const watching = (async () => {
      const options = { signal: abort.signal, clock, random: seededRandom(99) };
      for await (const leader of observeLeader(store, 'e', options)) seen.push(leader);
    })();
    const [a, b] = [await open('a'), await open('b')];
    const first = await campaign(a, 'e', { value: 'one' });
    const waiting = campaign(b, 'e');
    for (const value of ['two', 'three']) {
      await clock.advance(60_000);
      await first.proclaim(value);
    }
    await clock.advance(60_000);
    await first.resign();
    const second = await waiting;
    await clock.advance(1000);
    await second.proclaim('four');
    await clock.advance(0);
    const told = seen.flatMap((leader) => leader ?? []);
    expect(told.map(({ identity, value }) => identity + value)).toEqual(['aone', 'atwo', 'athree', 'b', 'bfour']);
    expect(new Set(told.map(({ since }) => since)).size).toBe(1); // both came at once
    const terms = [...new Set(told.map(({ createRevision }) => createRevision))];
    expect(terms).toEqual([first.ownership.createRevision, second.ownership.createRevision]);
    expect(second.ownership.token > first.ownership.token).toBe(true);
    abort.abort();
    await watching;
  });

  it('one session is one candidate, and may stand again when its term is over', async () => {
    const a = await open('a');
    const first = await campaign(a, 'e');
    await expect(campaign(a, 'e')).rejects.toMatchObject({ code: 'Invalid' });
    await first.resign();
    expect((await campaign(a, 'e')).ownership.held).toBe(true);
  });

  it('F-82: a storm of 100 candidates: one leads, each of the others has one key, and no more than two transactions', async () => {
    let transactions = 0;
    const counting = new Proxy(store, {
      get(target, name) {
        if (name === 'txn') return (...args: Parameters<Store['txn']>) => (transactions++, store.txn(...args));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const sessions = await Promise.all(Array.from({ length: 100 }, (_, index) => open(`s${index}`, counting)));
    const leading: string[] = [];
    const terms = sessions.map(async (session) => {
      const leadership = await campaign(session, 'e');
      leading.push(session.identity);
      return leadership;
    });
    await clock.advance(0);
    expect(leading).toHaveLength(1);
    expect((await store.range({ prefix: PREFIX })).count).toBe(100n);
    for (const term of terms) await (await term).resign();
    expect(leading).toHaveLength(100);
    // To stand and to look again when the one before is gone; then one to resign.
    expect(transactions).toBeLessThanOrEqual(300);
  });
});

describe('the leader elector', () => {
  let clock: FakeClock;
  let store: Store;
  let events: string[];

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    events = [];
  });

  function elector(identity: string, options: Partial<LeaderElectorOptions> = {}) {
    const made = new LeaderElector({
      store,
      name: 'e',
      identity,
      clock,
      random: seededRandom(identity.length + identity.codePointAt(0)!),
      onStartedLeading: ({ signal }) => {
        events.push(`${identity} leads`);
        signal.addEventListener('abort', () => events.push(`${identity} is told to stop`));
      },
      onStoppedLeading: () => events.push(`${identity} stopped`),
      ...options,
    });
    const abort = new AbortController();
    const run = made.run(abort.signal).catch((error: unknown) => error);
    return { made, abort, run };
  }

  it("I-136: the defaults are client-go's, and times that can not work together are refused", async () => {
    const { made } = elector('a');
    await clock.advance(0);
    expect(made.leadership!.ownership.session.ttlSeconds).toBe(15);
    expect(made.leadership!.ownership.session.deadline).toBe(10_000);
    const wrong: Partial<LeaderElectorOptions>[] = [
      { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 },
      { renewDeadlineMs: 2400, retryPeriodMs: 2000 },
      { leaseDurationMs: 1500, renewDeadlineMs: 1000, retryPeriodMs: 100 },
      { retryPeriodMs: -1 },
      { name: 'a/b' },
    ];
    for (const options of wrong) expect(() => new LeaderElector({ store, name: 'e', ...options })).toThrow('Invalid');
  });

  it('I-140, I-142: on a stop it is told, resigns, and the next leads at once', async () => {
    const [a, b] = [elector('a'), elector('bb')];
    await clock.advance(60_000);
    expect(events).toEqual(['a leads']);
    a.abort.abort();
    await clock.advance(0);
    expect(events).toEqual(['a leads', 'a is told to stop', 'a stopped', 'bb leads']);
    expect(await a.run).toBeUndefined();
    b.abort.abort();
    await clock.advance(0);
    expect((await store.range({ prefix: PREFIX })).count).toBe(0n);
    expect(await store.leases()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-140: without a renewal for the deadline leadership is dropped before the lease is over, and stopping is told once', async () => {
    let deaf = false;
    const failing = new Proxy(store, {
      get(target, name) {
        if (name === 'leaseKeepAlive' && deaf)
          return () => Promise.reject(new SetpointError('Unavailable', 'nobody there'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const { made, run } = elector('a', { store: failing });
    await clock.advance(4000);
    deaf = true;
    await clock.advance(9_999);
    expect(made.isLeading).toBe(true);
    await clock.advance(1);
    expect(made.isLeading).toBe(false);
    expect((await store.leases()).length).toBe(1);
    expect(isSetpointError(await run, 'LockLost')).toBe(true);
    expect(events).toEqual(['a leads', 'a is told to stop', 'a stopped']);
  });

  it('I-140: stopping is told exactly once also to a candidate that never led', async () => {
    const a = elector('a');
    await clock.advance(0);
    const b = elector('bb');
    await clock.advance(1000);
    b.abort.abort();
    await clock.advance(0);
    expect(await b.run).toBeUndefined();
    expect(events).toEqual(['a leads', 'bb stopped']);
    a.abort.abort();
  });

  it('F-40: a candidate whose watches meet another history each time stands again at a pace', async () => {
    const a = elector('a');
    await clock.advance(0);
    let sessions = 0;
    const torn = Object.create(store, {
      leaseGrant: { value: (...args: Parameters<Store['leaseGrant']>) => (sessions++, store.leaseGrant(...args)) },
      watch: {
        value: (...args: Parameters<Store['watch']>) => {
          if (sessions > 200) return store.watch(...args);
          const error = new SetpointError('HistoryReset', 'another history');
          return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
        },
      },
    }) as Store;
    const methods = ['range', 'txn', 'leaseKeepAlive', 'leaseRevoke', 'delete'] as const;
    for (const name of methods) Object.defineProperty(torn, name, { value: store[name].bind(store) });
    const b = elector('bb', { store: torn });
    await clock.advance(20_000);
    expect(sessions).toBeLessThan(30);
    expect(sessions).toBeGreaterThan(3);
    for (const { abort, run } of [b, a]) {
      abort.abort();
      await clock.advance(0);
      expect(await run).toBeUndefined();
    }
  });

  it('F-72: a candidate whose session is lost while it waits stands again with a new one', async () => {
    const a = elector('a');
    await clock.advance(0);
    const b = elector('bb');
    await clock.advance(0);
    const waiting = (await store.range({ prefix: PREFIX, sort: { by: 'create', order: 'descend' } })).kvs[0]!;
    await store.leaseRevoke(waiting.lease);
    await clock.advance(5000);
    const [, second] = (await store.range({ prefix: PREFIX, sort: { by: 'create', order: 'ascend' } })).kvs;
    expect(keyText(second!.key)).not.toBe(keyText(waiting.key));
    a.abort.abort();
    await clock.advance(0);
    expect(events).toContain('bb leads');
    b.abort.abort();
  });

  it('I-143: health is good on a standby and on a leader, and bad when a leader is long past its lease and not over', async () => {
    const { made, abort } = elector('a');
    made.check();
    await clock.advance(1000);
    made.check();
    const now = clock.now.bind(clock);
    Object.assign(clock, { now: () => 40_000 });
    expect(() => made.check()).toThrow('no renewal for');
    Object.assign(clock, { now });
    abort.abort();
  });

  it('I-137: who waits asks nothing of the store but its renewals; without a session it tries again each 2 to 4 s', async () => {
    const calls: Record<string, number> = {};
    let refuses = true;
    const counting = new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          calls[name as string] = (calls[name as string] ?? 0) + 1;
          if (refuses && name === 'leaseGrant') return Promise.reject(new SetpointError('Unavailable', 'nobody there'));
          return value.apply(target, args) as unknown;
        };
      },
    });
    const a = elector('a');
    await clock.advance(0);
    const b = elector('bb', { store: counting });
    await clock.advance(20_000);
    const tries = calls['leaseGrant']!;
    await clock.advance(40_000);
    expect(calls['leaseGrant']! - tries).toBeGreaterThanOrEqual(10);
    expect(calls['leaseGrant']! - tries).toBeLessThanOrEqual(20);
    refuses = false;
    await clock.advance(4000);
    for (const name of Object.keys(calls)) delete calls[name];
    await clock.advance(600_000);
    expect(calls).toEqual({ leaseKeepAlive: 300 });
    a.abort.abort();
    await clock.advance(0);
    expect(events).toContain('bb leads');
    b.abort.abort();
    await clock.advance(0);
  });

  it('I-141: a resignation takes only its own term away, and one that does not reach the store still leaves it free', async () => {
    let deaf = false;
    const failing = new Proxy(store, {
      get(target, name) {
        if (name === 'txn' && deaf) return () => Promise.reject(new SetpointError('Unavailable', 'nobody there'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const a = elector('a', { store: failing });
    await clock.advance(0);
    const b = elector('bb');
    await clock.advance(0);
    deaf = true;
    a.abort.abort();
    await clock.advance(0);
    // Its release was refused; the lease went with its session, well within the renew deadline.
    expect(events).toEqual(['a leads', 'a is told to stop', 'a stopped', 'bb leads']);
    const [key] = (await store.range({ prefix: PREFIX })).kvs;
    await a.made.leadership!.resign();
    await clock.advance(0);
    expect((await store.range({ prefix: PREFIX })).kvs).toEqual([key]);
    expect(b.made.isLeading).toBe(true);
    b.abort.abort();
  });

  it('two candidates of one identity are two candidates, and it is said', async () => {
    const said: string[] = [];
    const logger: Logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_, message) => void said.push(message),
      child: () => logger,
    };
    const [a, b] = [elector('a', { logger }), elector('a', { random: seededRandom(77), logger })];
    await clock.advance(0);
    expect(said).toEqual([
      "another candidate in election 'e' is called 'a' too: a second process, or an earlier one whose lease is not over yet",
    ]);
    expect(events).toEqual(['a leads']);
    a.abort.abort();
    await clock.advance(0);
    expect(events).toEqual(['a leads', 'a is told to stop', 'a stopped', 'a leads']);
    b.abort.abort();
  });
});
