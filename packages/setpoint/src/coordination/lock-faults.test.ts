import { beforeEach, describe, expect, it } from 'vitest';
import { LOCK_PREFIX, lockBed, outcome } from '../../../../test/harness/lock-bed.ts';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import type { Store } from '../store/index.ts';
import { lock, tryLock } from './lock.ts';

describe('lock, when something goes wrong', () => {
  let { clock, store, said, open, keys, meddling } = lockBed();
  beforeEach(() => ({ clock, store, said, open, keys, meddling } = lockBed()));

  it('I-179, F-68, F-69: after a stall past the deadline nothing is sent, and the holder knows before its call returns', async () => {
    let sent = 0;
    const counting = meddling((_, send) => (sent++, send()));
    const session = await open({ store: counting });
    const held = await lock(session, 'l');
    const before = sent;
    Object.assign(clock, { now: () => 7000 });
    await expect(held.store.put({ key: 'work', value: '1' })).rejects.toMatchObject({ code: 'LockLost' });
    expect(sent).toBe(before);
    expect(held.signal.aborted).toBe(true);
  });

  it('F-68: a stall while a write is under way is noticed before its answer is handed on', async () => {
    let working = false;
    const stalling = meddling(async (request, send) => {
      const answer = await send();
      if (working && request.compares?.length) Object.assign(clock, { now: () => 7000 });
      return answer;
    });
    const session = await open({ store: stalling });
    const held = await lock(session, 'l');
    working = true;
    const told = held.store.put({ key: 'work', value: '1' }).then(() => held.signal.aborted);
    expect(await told).toBe(true);
  });

  /** One holds the lock, and another one waits for it. */
  const contended = async () => {
    const [a, b] = [await open(), await open()];
    const first = await lock(a, 'l');
    const second = outcome(lock(b, 'l'));
    await clock.advance(0);
    return { a, b, first, second };
  };

  it('F-75: a waiter whose lease ran out gets SessionExpired, and never the lock', async () => {
    const { b, first, second } = await contended();
    await store.leaseRevoke(b.id);
    await clock.advance(200);
    await first.release();
    await clock.advance(0);
    expect(second.value).toBeUndefined();
    expect(second.code).toBe('SessionExpired');
    expect(await keys()).toEqual([]);
  });

  it('F-75: a frozen waiter that wakes up past its deadline does not take what has become free meanwhile', async () => {
    const { first, second } = await contended();
    Object.assign(clock, { now: () => 5500 });
    await store.delete({ key: first.key });
    await clock.advance(0);
    expect(second.code).toBe('SessionExpired');
  });

  it('F-76: a release whose answer was lost does not take away a later lock of the same session', async () => {
    let lose = false;
    const losing = meddling(async (request, send) => {
      const answer = await send();
      if (lose && 'delete' in (request.then?.[0] ?? {})) throw new SetpointError('OutcomeUnknown', 'lost');
      return answer;
    });
    const session = await open({ store: losing });
    const first = await lock(session, 'l');
    lose = true;
    await first.release();
    lose = false;
    const second = await lock(session, 'l');
    await clock.advance(20_000);
    expect(second.held).toBe(true);
    expect(await keys()).toEqual([second.key]);
  });

  it('F-76: a release whose answer was lost is made sure of once, and not for as long as the session lives', async () => {
    let deletes = 0;
    const losing = meddling(async (request, send) => {
      const answer = await send();
      if ('delete' in (request.then?.[0] ?? {})) throw new SetpointError('OutcomeUnknown', 'lost');
      return answer;
    });
    const counting = Object.create(losing, {
      delete: { value: (...args: Parameters<Store['delete']>) => (deletes++, store.delete(...args)) },
    }) as Store;
    await (await lock(await open({ store: counting }), 'l')).release();
    await clock.advance(20_000);
    expect(deletes).toBe(1);
  });

  it('F-78: an acquisition whose answer was lost after it was carried out is found by reading', async () => {
    let lost = 0;
    const losing = meddling(async (request, send) => {
      const answer = await send();
      if (request.compares?.length && lost++ === 0) throw new SetpointError('OutcomeUnknown', 'lost');
      return answer;
    });
    const held = await lock(await open({ store: losing }), 'l');
    expect(lost).toBe(1);
    expect(await keys()).toEqual([held.key]);
  });

  it('F-78: one that is carried out late leaves no key behind, and blocks nobody, for longer than a renewal', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const losing = meddling((request, send) => {
      if (!request.compares?.length || late) return send();
      late = send;
      return Promise.reject(new SetpointError('OutcomeUnknown', 'lost'));
    });
    const session = await open({ store: losing });
    const held = await lock(session, 'l');
    await held.release();
    await late!();
    expect(await keys()).toHaveLength(1);
    await clock.advance(2001);
    expect(await keys()).toEqual([]);
  });

  it('F-78: nor does one that is carried out when its key was looked for several times already', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const losing = meddling((request, send) => {
      if (!request.compares?.length || late) return send();
      late = send;
      return Promise.reject(new SetpointError('OutcomeUnknown', 'lost'));
    });
    await (await lock(await open({ store: losing }), 'l')).release();
    await clock.advance(20_000);
    await late!();
    expect(await keys()).toHaveLength(1);
    await clock.advance(2001);
    expect(await keys()).toEqual([]);
  });

  it('F-78: one that is carried out late before a second attempt does not make the session wait for itself', async () => {
    let done = false;
    let late: (() => Promise<unknown>) | undefined;
    const losing = meddling(async (request, send) => {
      if (!request.compares?.length || done) return send();
      if (!late) {
        late = send;
        throw new SetpointError('OutcomeUnknown', 'lost');
      }
      done = true;
      await late();
      return send();
    });
    const acquired = outcome(lock(await open({ store: losing }), 'l'));
    await clock.advance(0);
    expect(acquired.value?.held).toBe(true);
    expect(await keys()).toEqual([acquired.value!.key]);
  });

  it('F-83: a lock key that was deleted by hand is noticed within 200 ms, and writes are refused', async () => {
    const held = await lock(await open(), 'l');
    await store.delete({ key: held.key });
    await clock.advance(200);
    expect(isSetpointError(held.signal.reason, 'LockLost')).toBe(true);
    expect(held.held).toBe(false);
  });

  it('F-83: a lock key that a hand took off its lease is lost, and the next in line owns', async () => {
    const { first: held, second } = await contended();
    await store.put({ key: held.key, value: 'a hand' });
    await clock.advance(200);
    expect([held.held, second.value?.held]).toEqual([false, true]);
    await second.value!.store.put({ key: 'now', value: '' });
    expect(await keys()).toEqual([second.value!.key]);
  });

  it('F-83: it guards nothing from that very write on, before its owner has heard of it', async () => {
    const held = await lock(await open(), 'l');
    await store.put({ key: held.key, value: 'a hand' });
    await expect(held.store.put({ key: 'late', value: '' })).rejects.toMatchObject({ code: 'LockLost' });
    expect((await store.range({ key: 'late' })).count).toBe(0n);
    await clock.advance(0);
    expect(await keys()).toEqual([]);
  });

  it('F-83: a lock key that a hand deleted and made again, on its lease, guards nothing', async () => {
    const session = await open();
    const held = await lock(session, 'l');
    await store.delete({ key: held.key });
    await store.put({ key: held.key, value: 'a hand', lease: session.id });
    await expect(held.store.put({ key: 'late', value: '' })).rejects.toMatchObject({ code: 'LockLost' });
    expect((await store.range({ key: 'late' })).count).toBe(0n);
  });

  it("F-83: a waiter's key that a hand took off its lease is replaced, at the end of the line", async () => {
    const { first, second } = await contended();
    await store.put({ key: (await keys()).find((key) => key !== first.key)!, value: 'a hand' });
    await clock.advance(200);
    await first.release();
    await clock.advance(0);
    expect(second.value?.held).toBe(true);
    await second.value!.store.put({ key: 'now', value: '' });
    expect(await keys()).toEqual([second.value!.key]);
  });

  it("F-83: a waiter's key that a hand took off its lease and put back costs it its place, and no calls without end", async () => {
    let calls = 0;
    const counting = meddling((_, send) => (calls++, send()));
    const [a, b] = [await open(), await open({ store: counting })];
    const first = await lock(a, 'l');
    const second = outcome(lock(b, 'l'));
    await clock.advance(0);
    const key = (await keys()).find((each) => each !== first.key)!;
    await store.put({ key, value: 'a hand' });
    await store.put({ key, value: 'a hand', lease: b.id });
    await clock.advance(1000);
    expect((await keys()).length).toBe(2);
    expect(await keys()).not.toContain(key);
    calls = 0;
    await clock.advance(1000);
    expect(calls).toBeLessThan(5);
    await first.release();
    await clock.advance(0);
    expect(second.value?.held).toBe(true);
  });

  it("F-83: a waiter's key that was deleted by hand is put back, at the end of the line, and that is said", async () => {
    const { first, second } = await contended();
    await store.delete({ key: (await keys()).find((key) => key !== first.key)! });
    await clock.advance(200);
    expect(said).toContain("somebody deleted or changed our key; lock 'l': again");
    await first.release();
    await clock.advance(0);
    expect(second.value?.held).toBe(true);
  });

  it('F-84: keys of others under the prefix are ignored and said once; names that begin alike are other locks', async () => {
    await store.put({ key: `${LOCK_PREFIX}somebody`, value: 'x' });
    await store.put({ key: `${LOCK_PREFIX}1f-00000000-0000-4000-8000-000000000000`, value: 'no lease' });
    await lock(await open(), 'lx');
    const held = await lock(await open(), 'l');
    expect(held.held).toBe(true);
    expect(said.filter((message) => message.includes('foreign'))).toHaveLength(2);
    expect((await tryLock(await open(), 'l')).lock).toBeUndefined();
    expect(await keys()).toHaveLength(3);
  });

  it('F-80: an owner that loses its lease between two writes has the second one refused', async () => {
    const session = await open();
    const held = await lock(session, 'l');
    await held.store.put({ key: 'one', value: '' });
    await store.leaseRevoke(session.id);
    await expect(held.store.put({ key: 'two', value: '' })).rejects.toMatchObject({ code: 'LockLost' });
    expect((await store.range({ key: 'two' })).count).toBe(0n);
  });

  it('F-16: a store that is full is waited out at a pace, and costs the session nothing that it holds', async () => {
    const full = new SetpointError('OutcomeUnknown', 'it may have been applied all the same', {
      cause: new SetpointError('NoSpace', 'compact and defragment'),
    });
    let puts = 0;
    let isFull = true;
    const filled = meddling((request, send) => {
      if (!isFull || !('put' in (request.then?.[0] ?? {}))) return send();
      puts++;
      return Promise.reject(full);
    });
    isFull = false;
    const session = await open({ store: filled });
    const held = await lock(session, 'held');
    isFull = true;
    const acquired = outcome(lock(session, 'l'));
    await clock.advance(600_000);
    expect(puts).toBeLessThan(400);
    expect(held.held).toBe(true);
    expect(said.some((message) => message.includes("lock 'l'"))).toBe(true);
    isFull = false;
    await clock.advance(5000);
    expect(acquired.value?.held).toBe(true);
  });

  it('F-78: keys that are never made by writes with lost answers are looked for at a pace', async () => {
    let puts = 0;
    const losing = meddling((request, send) => {
      if (!('put' in (request.then?.[0] ?? {}))) return send();
      puts++;
      return Promise.reject(new SetpointError('OutcomeUnknown', 'lost'));
    });
    const session = await open({ store: losing });
    outcome(lock(session, 'l'));
    await clock.advance(60_000);
    expect(puts).toBeLessThan(40);
    expect(session.alive).toBe(true);
  });

  it('a key of fencing tokens that holds no number fails the lock, and leaves no key in the line', async () => {
    await store.put({ key: '/setpoint/incarnation', value: 'a hand' });
    await expect(lock(await open(), 'l')).rejects.toMatchObject({ code: 'Invalid' });
    expect(await keys()).toEqual([]);
  });

  /** The watch of one who waits or owns ends as compacted, and what is read then is answered as `read` says. */
  const compacting = (read: () => Promise<void>): Store => {
    let compacted = true;
    return new Proxy(store, {
      get(target, name) {
        if (name === 'watch') {
          return async function* (...args: Parameters<Store['watch']>) {
            if (compacted) {
              compacted = false;
              throw new SetpointError('Compacted', 'no history');
            }
            yield* store.watch(...args);
          };
        }
        if (name === 'range')
          return async (...args: Parameters<Store['range']>) => (await read(), store.range(...args));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  /** Fails the first three times that it is called. */
  const threeTimes = (error: Error) => {
    let left = 3;
    return () => (left-- > 0 ? Promise.reject(error) : Promise.resolve());
  };

  it('F-34: an owner whose watch finds its history compacted, and the store away, goes on and hears of its loss later', async () => {
    const away = threeTimes(new SetpointError('Unavailable', 'nobody there'));
    const held = await lock(await open({ store: compacting(away) }), 'l');
    await clock.advance(3000);
    expect(held.held).toBe(true);
    await store.delete({ key: held.key });
    await clock.advance(0);
    expect(held.held).toBe(false);
  });

  it('F-34: a waiter whose watch finds its history compacted, and the store away, waits on', async () => {
    const first = await lock(await open(), 'l');
    const away = threeTimes(new SetpointError('DeadlineExceeded', 'no answer'));
    const second = outcome(lock(await open({ store: compacting(away) }), 'l'));
    await clock.advance(3000);
    expect(second).toEqual({});
    await first.release();
    await clock.advance(0);
    expect(second.value?.held).toBe(true);
  });

  it('F-40: a waiter whose store was restored from a backup loses its session, and is told that', async () => {
    await lock(await open(), 'l');
    const reset = new SetpointError('HistoryReset', 'another history');
    const second = outcome(lock(await open({ store: compacting(() => Promise.reject(reset)) }), 'l'));
    await clock.advance(300);
    expect(second.code).toBe('SessionExpired');
  });

  it('a store that does not answer is waited out', async () => {
    let broken = true;
    const flaky = meddling((_, send) =>
      broken ? Promise.reject(new SetpointError('Unavailable', 'nobody there')) : send(),
    );
    const acquired = outcome(lock(await open({ store: flaky }), 'l'));
    await clock.advance(3000);
    expect(acquired).toEqual({});
    broken = false;
    await clock.advance(3000);
    expect(acquired.value?.held).toBe(true);
  });
});
