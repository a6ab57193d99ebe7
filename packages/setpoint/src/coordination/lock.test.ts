import { beforeEach, describe, expect, it } from 'vitest';
import { LOCK_PREFIX, lockBed, outcome } from '../../../../test/harness/lock-bed.ts';
import { isSetpointError } from '../errors/index.ts';
import { seededRandom } from '../internal/random.ts';
import { keyText, memoryStore, type Store } from '../store/index.ts';
import { raiseIncarnation } from './fencing-token.ts';
import { lock, tryLock } from './lock.ts';
import { openSession } from './session.ts';

describe('lock', () => {
  let { clock, store, open, keys } = lockBed();
  beforeEach(() => ({ clock, store, open, keys } = lockBed()));

  // A time limit under a misspelt name is none: it would wait for ever.
  it('refuses options that it does not know, and what is no session', async () => {
    const session = await open();
    const refusal = (call: () => Promise<unknown>) => call().catch((error: unknown) => error);
    for (const take of [lock, tryLock]) {
      expect(await refusal(() => take(session, 'l', { timeout: 5 } as never))).toMatchObject({
        code: 'Invalid',
        message: expect.stringMatching(/no option 'timeout': did you mean 'timeoutMs'/),
      });
      expect(await refusal(() => take(store as never, 'l'))).toMatchObject({
        code: 'Invalid',
        message: expect.stringMatching(/takes a session, as `await openSession.*got a /),
      });
    }
    expect(await refusal(() => openSession({ store, clock, ttl: 5 } as never))).toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(/openSession has no option 'ttl'/),
    });
    expect(await keys()).toEqual([]);
  });

  it('I-147, I-148: is held by one session at a time, in the order of arrival', async () => {
    const sessions = await Promise.all([open(), open(), open()]);
    const order: number[] = [];
    const held = sessions.map(async (session, index) => {
      const mine = await lock(session, 'l');
      order.push(index);
      return mine;
    });
    const first = await held[0]!;
    await clock.advance(30_000);
    expect(order).toEqual([0]);
    await first.release();
    await clock.advance(0);
    expect(order).toEqual([0, 1]);
    await (await held[1])!.release();
    await clock.advance(0);
    expect(order).toEqual([0, 1, 2]);
    await (await held[2])!.release();
    expect(await keys()).toEqual([]);
  });

  it('I-147, F-74: a waiter watches the one before it and its own key, so that one wakes when the owner goes', async () => {
    const watched: string[] = [];
    const spying = new Proxy(store, {
      get(target, name) {
        if (name === 'watch')
          return (...args: Parameters<Store['watch']>) => (
            watched.push((args[0] as { key: string }).key),
            store.watch(...args)
          );
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const sessions = [await open(), await open(), await open({ store: spying })];
    await lock(sessions[0]!, 'l');
    const second = outcome(lock(sessions[1]!, 'l'));
    await clock.advance(0);
    const third = outcome(lock(sessions[2]!, 'l'));
    await clock.advance(0);
    const lineUp = await store.range({ prefix: LOCK_PREFIX, sort: { by: 'create', order: 'ascend' } });
    const inLine = lineUp.kvs.map(({ key }) => keyText(key));
    await clock.advance(200);
    expect(watched).toEqual([inLine[1], inLine[2]]);
    // The waiter in the middle dies: the third moves up and waits for the first.
    await store.leaseRevoke(sessions[1]!.id);
    await clock.advance(0);
    expect(third.value).toBeUndefined();
    expect(watched.at(-1)).toBe(inLine[0]);
    await clock.advance(2000);
    expect(second.code).toBe('SessionExpired');
    await store.delete({ key: inLine[0]! });
    await clock.advance(0);
    expect(third.value?.held).toBe(true);
  });

  it('I-148: a waiter that gives up takes its key away, and the one behind it moves up', async () => {
    const [a, b, c] = [await open(), await open(), await open()];
    const first = await lock(a, 'l');
    const abort = new AbortController();
    const second = outcome(lock(b, 'l', { signal: abort.signal }));
    await clock.advance(0);
    const third = outcome(lock(c, 'l'));
    await clock.advance(0);
    abort.abort(new Error('enough'));
    await clock.advance(0);
    expect(second.code).toBe('Aborted');
    expect(await keys()).toHaveLength(2);
    await first.release();
    await clock.advance(0);
    expect(third.value?.held).toBe(true);
  });

  it('a time limit ends the wait with Timeout and leaves no key', async () => {
    const [a, b] = [await open(), await open()];
    await lock(a, 'l');
    const second = outcome(lock(b, 'l', { timeoutMs: 1000 }));
    await clock.advance(999);
    expect(second).toEqual({});
    await clock.advance(1);
    expect(second.code).toBe('Timeout');
    expect(await keys()).toHaveLength(1);
  });

  it('I-149, F-77: tryLock gives up at once, creates no key, and says who has it', async () => {
    const [a, b] = [await open({ identity: 'ada' }), await open()];
    const held = await lock(a, 'l', { value: 'printing' });
    const { revision } = await store.range({ key: 'x' });
    const { lock: mine, holder } = await tryLock(b, 'l');
    expect(mine).toBeUndefined();
    expect(holder).toEqual({ identity: 'ada', value: 'printing', since: clock.wallNow() });
    expect((await store.range({ key: 'x' })).revision).toBe(revision);
    await held.release();
    expect((await tryLock(b, 'l')).lock?.held).toBe(true);
  });

  it('I-149: of two tryLocks at one moment one gets it, and the other leaves no key', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => open()));
    const tries = await Promise.all(sessions.map((session) => tryLock(session, 'l')));
    expect(tries.filter((result) => result.lock)).toHaveLength(1);
    expect(await keys()).toHaveLength(1);
  });

  it('I-149: tryLock of a session that waits in lock does not wait with it', async () => {
    const [a, b] = [await open({ identity: 'ada' }), await open()];
    const held = await lock(a, 'l');
    const waiting = outcome(lock(b, 'l'));
    await clock.advance(0);
    expect((await tryLock(b, 'l')).holder?.identity).toBe('ada');
    await held.release();
    await clock.advance(0);
    expect(waiting.value?.held).toBe(true);
  });

  it('I-151: a session that holds it gets the same key again, and it is free after the last release', async () => {
    const [a, b] = [await open(), await open()];
    const [one, two] = await Promise.all([lock(a, 'l'), lock(a, 'l')]);
    const three = (await tryLock(a, 'l')).lock!;
    expect(new Set([one.key, two.key, three.key]).size).toBe(1);
    expect(await keys()).toHaveLength(1);
    await one.release();
    await one.release();
    await three.release();
    expect(two.held).toBe(true);
    expect((await tryLock(b, 'l')).lock).toBeUndefined();
    await two.release();
    expect((await tryLock(b, 'l')).lock?.held).toBe(true);
    expect(() => one.assertHeld()).toThrow('was released');
  });

  it('is free again at the end of an `await using`, also when that is left by a throw', async () => {
    const [a, b] = [await open(), await open()];
    const work = async (fails: boolean): Promise<boolean> => {
      await using held = await lock(a, 'l');
      expect(await keys()).toEqual([held.key]);
      if (fails) throw new Error('boom');
      return held.held;
    };
    expect(await work(false)).toBe(true);
    await expect(work(true)).rejects.toThrow('boom');
    expect(await keys()).toEqual([]);
    expect((await tryLock(b, 'l')).lock?.held).toBe(true);
  });

  it('I-150: writes through the lock count while it is held; afterwards they change nothing and say LockLost', async () => {
    const [a, b] = [await open(), await open()];
    const held = await lock(a, 'l');
    await held.store.put({ key: 'work', value: '1' });
    await store.leaseRevoke(a.id);
    const next = await lock(b, 'l');
    await next.store.put({ key: 'work', value: '2' });
    const late = outcome(held.store.put({ key: 'work', value: '3' }));
    await clock.advance(0);
    expect(late.code).toBe('LockLost');
    expect(new TextDecoder().decode((await store.range({ key: 'work' })).kvs[0]!.value)).toBe('2');
    // A precondition of the user's own is told apart from that.
    const absent = { key: 'work', target: 'create', operator: '=', operand: 0n } as const;
    expect((await next.store.txn({ compares: [absent] })).succeeded).toBe(false);
  });

  it('I-150: a refused write tells its holder, before the session or a watch does', async () => {
    const session = await open();
    const held = await lock(session, 'l');
    await store.delete({ key: held.key });
    const write = held.store.put({ key: 'work', value: '1' });
    await expect(write).rejects.toMatchObject({ code: 'LockLost' });
    expect(held.held).toBe(false);
    expect(isSetpointError(held.signal.reason, 'LockLost')).toBe(true);
  });

  it('fencing tokens grow with each owner, and over a restored backup when the operator says so', async () => {
    const [a, b] = [await open(), await open()];
    const first = await lock(a, 'l');
    await first.release();
    const second = await lock(b, 'l');
    expect(second.token > first.token).toBe(true);
    expect(String(second.token) > String(first.token)).toBe(true);
    const restored = memoryStore({ clock });
    expect(await raiseIncarnation(restored)).toBe(1n);
    const session = await openSession({ store: restored, clock, random: seededRandom(9) });
    const third = await lock(session, 'l');
    expect(third.token.revision < second.token.revision).toBe(true);
    expect(third.token > second.token && String(third.token) > String(second.token)).toBe(true);
  });

  it('refuses names and limits that are none', async () => {
    const session = await open();
    for (const name of ['', 'a/b', '..', '.a', 'ä', 'a b', 'x'.repeat(201)]) {
      await expect(lock(session, name)).rejects.toMatchObject({ code: 'Invalid' });
      await expect(tryLock(session, name)).rejects.toMatchObject({ code: 'Invalid' });
    }
    await expect(lock(session, 'l', { timeoutMs: NaN })).rejects.toMatchObject({ code: 'Invalid' });
    await expect(lock(session, 'l', { prefix: 'x/' })).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('a session that is closed frees its locks at once; a lock of a closed session is Closed', async () => {
    const [a, b] = [await open(), await open()];
    const first = await lock(a, 'l');
    const second = outcome(lock(b, 'l'));
    await a.close();
    await clock.advance(0);
    expect(second.value?.held).toBe(true);
    expect(isSetpointError(first.signal.reason, 'Closed')).toBe(true);
    await expect(lock(a, 'l')).rejects.toMatchObject({ code: 'Closed' });
    await b.close();
    await clock.advance(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
