import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import type { Logger } from '../internal/logger.ts';
import { seededRandom } from '../internal/random.ts';
import { keyText, memoryStore, type Store } from '../store/index.ts';
import { assignSlots, type ShardMember, slotOfKey } from './shard-map.ts';
import { Shards, type ShardsOptions } from './shards.ts';

describe('the map of slots', () => {
  const members = (count: number): ShardMember[] =>
    Array.from({ length: count }, (_, index) => ({ key: `k${index}`, identity: `replica-${index}` }));

  it('gives every slot to one member, nobody more than its share, whatever the order of members', () => {
    for (const count of [1, 2, 3, 5, 7]) {
      const map = assignSlots(64, members(count)).map((member) => member!.key);
      const sizes = members(count).map(({ key }) => map.filter((each) => each === key).length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.ceil(64 / count));
      expect(sizes.reduce((sum, size) => sum + size)).toBe(64);
      expect(assignSlots(64, members(count).toReversed()).map((member) => member!.key)).toEqual(map);
    }
    expect(assignSlots(3, [])).toEqual([undefined, undefined, undefined]);
  });

  it('moves little when a member comes or goes', () => {
    for (const count of [2, 3, 4, 8]) {
      const before = assignSlots(256, members(count)).map((member) => member!.key);
      const after = assignSlots(256, members(count + 1)).map((member) => member!.key);
      const moved = before.filter((key, slot) => key !== after[slot]).length;
      // The new one's share has to move; that shares are bounded may move as much again.
      expect(moved).toBeLessThanOrEqual(2 * Math.ceil(256 / (count + 1)));
    }
  });

  it('spreads keys evenly, and the same key always to the same slot', () => {
    const sizes = new Map<number, number>();
    for (let index = 0; index < 64_000; index++) {
      const slot = slotOfKey(`default/object-${index}`, 64);
      sizes.set(slot, (sizes.get(slot) ?? 0) + 1);
    }
    expect(Math.min(...sizes.values())).toBeGreaterThan(850);
    expect(Math.max(...sizes.values())).toBeLessThan(1150);
    expect(slotOfKey('default/web', 64)).toBe(slotOfKey('default/web', 64));
  });
});

describe('shards', () => {
  let clock: FakeClock;
  let store: Store;
  let said: string[];
  let logger: Logger;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    said = [];
    logger = { debug() {}, info() {}, error() {}, warn: (_, message) => void said.push(message), child: () => logger };
  });

  let seed = 1;
  function replica(identity: string, options: Partial<ShardsOptions> = {}) {
    const shards = new Shards({
      store,
      name: 's',
      slots: 16,
      identity,
      leaseDurationMs: 6000,
      clock,
      random: seededRandom(seed++),
      logger,
      ...options,
    });
    const abort = new AbortController();
    const run = shards.run(abort.signal).catch((error: unknown) => error);
    return { shards, abort, run };
  }
  /** A key in each slot. */
  const keyIn = (slot: number): string => {
    for (let index = 0; ; index++) if (slotOfKey(`k${index}`, 16) === slot) return `k${index}`;
  };
  const ownersOf = (replicas: { shards: Shards }[]): number[] =>
    Array.from({ length: 16 }, (_, slot) => replicas.filter(({ shards }) => shards.owned.includes(slot)).length);
  const each = (count: number): number[] => Array.from({ length: 16 }, () => count);

  it('a single replica owns everything; a second one gets its share, and no slot has two owners', async () => {
    const a = replica('a');
    await clock.advance(0);
    expect(a.shards.owned).toHaveLength(16);
    const b = replica('b');
    await clock.advance(0);
    expect(a.shards.owned).toHaveLength(8);
    expect(b.shards.owned).toHaveLength(8);
    expect(ownersOf([a, b])).toEqual(each(1));
  });

  it('a slot is handed over when the work in it has ended, and lets none in meanwhile', async () => {
    const a = replica('a');
    await clock.advance(0);
    const stays = Array.from({ length: 16 }, (_, slot) => a.shards.enter(keyIn(slot))!);
    const b = replica('b');
    await clock.advance(1000);
    expect(b.shards.owned).toEqual([]);
    const leaving = Array.from({ length: 16 }, (_, slot) => slot).filter((slot) => !a.shards.enter(keyIn(slot)));
    expect(leaving).toHaveLength(8);
    for (const slot of leaving) stays[slot]!.leave();
    await clock.advance(0);
    expect(b.shards.owned).toEqual(leaving);
    await stays[leaving[0]!]!.ownership.store.put({ key: 'x', value: '' }).then(
      () => expect.unreachable(),
      (error: { code: string }) => expect(error.code).toBe('Closed'),
    );
  });

  it('work that outlasts the drain is cut off: its writes are refused, and the slot goes all the same', async () => {
    const a = replica('a', { drainTimeoutMs: 3000 });
    await clock.advance(0);
    const stays = Array.from({ length: 16 }, (_, slot) => a.shards.enter(keyIn(slot))!);
    const b = replica('b');
    await clock.advance(2999);
    expect(b.shards.owned).toEqual([]);
    await clock.advance(1);
    expect(b.shards.owned).toHaveLength(8);
    expect(stays.filter(({ ownership }) => ownership.signal.aborted)).toHaveLength(8);
  });

  it('the slots of a replica that dies come to the others within its lease, and one second', async () => {
    const replicas = [replica('a'), replica('b'), replica('c')];
    await clock.advance(0);
    expect(ownersOf(replicas)).toEqual(each(1));
    const members = (await store.range({ prefix: '/setpoint/shards/s/members/' })).kvs;
    // Its last word was just now; what is left of it is a lease that nobody renews.
    const dead = members.find(({ value }) => new TextDecoder().decode(value).includes('"b"'))!;
    replicas[1]!.shards.enter = () => undefined;
    await store.leaseRevoke(dead.lease);
    await clock.advance(0);
    const living = [replicas[0]!, replicas[2]!];
    const sum = ownersOf(living).reduce((all, one) => all + one);
    expect(sum).toBe(16);
  });

  it('slots whose next owner is dead too, and still on the roll, are taken by those that live, within one lease and one second', async () => {
    /** A store that nothing comes back from after its process has died. */
    const mortal = () => {
      let dead = false;
      const never = new Promise<never>(() => {});
      const proxy = new Proxy(store, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => (dead ? never : (value.apply(target, args) as unknown));
        },
      });
      return { store: proxy, die: () => void (dead = true) };
    };
    const lives = [mortal(), mortal(), mortal(), mortal()];
    const replicas = lives.map((life, index) => replica(`r${index}`, { store: life.store }));
    await clock.advance(2000);
    expect(ownersOf(replicas)).toEqual(each(1));
    const living = replicas.slice(2);
    lives[0]!.die();
    await clock.advance(3000);
    lives[1]!.die();
    // The lease of the first was renewed just before it died.
    await clock.advance(4000);
    const those = replicas[0]!.shards.owned;
    expect(those).toEqual([]); // by its own deadline
    const [first, second] = [ownersOf(living), await clock.advance(4000).then(() => ownersOf(living))];
    expect(first.reduce((sum, one) => sum + one)).toBeGreaterThanOrEqual(12);
    expect(second).toEqual(each(1));
    expect(living.map(({ shards }) => shards.owned.length)).toEqual([8, 8]);
  });

  it('F-83: a slot whose key a hand took off its lease is lost, and owned again at once, also when its owner is gone', async () => {
    const [a, b] = [replica('a'), replica('b')];
    await clock.advance(0);
    const slot = a.shards.owned[0]!;
    const stay = a.shards.enter(keyIn(slot))!;
    await store.put({ key: stay.ownership.key, value: 'a hand' });
    await clock.advance(1000);
    expect(stay.ownership.held).toBe(false);
    expect(ownersOf([a, b])).toEqual(each(1));
    const again = a.shards.enter(keyIn(slot))!;
    await store.put({ key: again.ownership.key, value: 'a hand' });
    again.ownership.session.lose(new Error('it dies'));
    await clock.advance(7000);
    expect(ownersOf([a, b])).toEqual(each(1));
  });

  it('a stand-in hands its slot to the one that it belongs to as soon as that comes', async () => {
    const a = replica('a');
    const b = replica('beta');
    await clock.advance(0);
    const [slot] = b.shards.owned;
    // The way of that one to its own slot takes longer than another waits for it.
    const { txn } = store;
    const slow: Store['txn'] = async (request, options) => {
      if (JSON.stringify(request, (_, value: unknown) => (typeof value === 'bigint' ? '' : value)).includes('beta'))
        await new Promise<void>((resolve) => clock.setTimer(() => resolve(), 400));
      return txn.call(store, request, options);
    };
    Object.assign(store, { txn: slow });
    await store.delete({ key: b.shards.enter(keyIn(slot!))!.ownership.key });
    await clock.advance(399);
    expect(a.shards.owned).toContain(slot);
    await clock.advance(100);
    Object.assign(store, { txn });
    await clock.advance(1000);
    expect(a.shards.owned).not.toContain(slot);
    expect(b.shards.owned).toContain(slot);
    expect(ownersOf([a, b])).toEqual(each(1));
  });

  it('a replica that stops hands everything over, and leaves nothing', async () => {
    const [a, b] = [replica('a'), replica('b')];
    await clock.advance(0);
    a.abort.abort();
    await clock.advance(0);
    expect(await a.run).toBeUndefined();
    expect(b.shards.owned).toHaveLength(16);
    b.abort.abort();
    await clock.advance(0);
    expect(await b.run).toBeUndefined();
    expect(await store.leases()).toEqual([]);
    const left = (await store.range({ prefix: '/setpoint/' })).kvs.map(({ key }) => keyText(key));
    expect(left).toEqual(['/setpoint/shards/s/config']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('slots let work in only when what was acquired has been caught up with', async () => {
    let ready = (): void => {};
    const asked: [ReadonlySet<number>, bigint][] = [];
    const opened: ReadonlySet<number>[] = [];
    const a = replica('a', {
      onAcquired: (slots, revision) => new Promise((resolve) => (asked.push([slots, revision]), (ready = resolve))),
      onOpen: (slots) => opened.push(slots),
    });
    await clock.advance(0);
    expect(asked).toHaveLength(1);
    expect(asked[0]![0].size).toBe(16);
    expect(asked[0]![1]).toBeGreaterThan(0n);
    expect(a.shards.enter('x')).toBeUndefined();
    ready();
    await clock.advance(0);
    expect(opened).toHaveLength(1);
    expect(a.shards.enter('x')).toBeDefined();
  });

  it('F-72: a replica whose lease was revoked loses all its slots at once and joins again', async () => {
    const [a, b] = [replica('a'), replica('b')];
    await clock.advance(0);
    const stay = a.shards.enter(keyIn(a.shards.owned[0]!))!;
    await store.leaseRevoke(stay.ownership.session.id);
    await clock.advance(0);
    expect(a.shards.owned).toEqual([]);
    expect(b.shards.owned).toHaveLength(16);
    await expect(stay.ownership.store.put({ key: 'x', value: '' })).rejects.toMatchObject({ code: 'LockLost' });
    await clock.advance(5000);
    expect(ownersOf([a, b])).toEqual(each(1));
    expect(a.shards.owned).toHaveLength(8);
  });

  it('F-83: a slot key that was deleted by hand is noticed, and the slot is acquired again', async () => {
    const a = replica('a');
    await clock.advance(0);
    const stay = a.shards.enter(keyIn(3))!;
    await store.delete({ key: stay.ownership.key });
    await clock.advance(0);
    expect(stay.ownership.held).toBe(false);
    expect(a.shards.owned).toHaveLength(16);
    expect(a.shards.enter(keyIn(3))!.ownership.createRevision).toBeGreaterThan(stay.ownership.createRevision);
  });

  it('replicas that would map keys in another way are refused as long as others are at work', async () => {
    const a = replica('a');
    await clock.advance(0);
    const b = replica('b', { slots: 8 });
    await clock.advance(0);
    expect(await b.run).toMatchObject({ code: 'Invalid' });
    expect(String(await b.run)).toContain('same number of slots');
    a.abort.abort();
    await clock.advance(0);
    const c = replica('c', { slots: 8 });
    await clock.advance(0);
    expect(c.shards.owned).toHaveLength(8);
  });

  it('two replicas of one identity share its slots, and it is said', async () => {
    const twins = [replica('a'), replica('a')];
    await clock.advance(0);
    expect(ownersOf(twins)).toEqual(each(1));
    expect(twins.map(({ shards }) => shards.owned.length)).toEqual([8, 8]);
    expect(said.some((message) => message.includes("another replica is called 'a' too"))).toBe(true);
  });

  it('a coming and going of replicas never gives a slot two owners, and leaves none without one for long', async () => {
    const random = seededRandom(7);
    const replicas = [replica('r0')];
    const unowned = each(0);
    let longest = 0;
    for (let step = 1; step <= 120; step++) {
      if (step % 10 === 0) {
        const leaving = Math.floor(random.next() * replicas.length);
        if (replicas.length > 1 && random.next() < 0.5) replicas.splice(leaving, 1)[0]!.abort.abort();
        else replicas.push(replica(`r${step}`));
      }
      await clock.advance(200);
      ownersOf(replicas).forEach((owners, slot) => {
        expect(owners).toBeLessThanOrEqual(1);
        unowned[slot] = owners === 1 ? 0 : unowned[slot]! + 200;
        longest = Math.max(longest, unowned[slot]!);
      });
    }
    expect(longest).toBeLessThanOrEqual(400);
  });

  it('refuses numbers and names that can not be', () => {
    for (const options of [{ slots: 0 }, { slots: 5000 }, { name: '../x' }, { leaseDurationMs: 1500 }]) {
      expect(() => new Shards({ store, name: 's', ...options })).toThrow('Invalid');
    }
  });
});
