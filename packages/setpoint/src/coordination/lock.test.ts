import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, isSetpointError, SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import type { Logger } from '../internal/logger.ts';
import { seededRandom } from '../internal/random.ts';
import { keyText, memoryStore, type Store, type TxnRequest } from '../store/index.ts';
import { raiseIncarnation } from './fencing-token.ts';
import { lock, tryLock } from './lock.ts';
import { openSession, type SessionOptions } from './session.ts';

const PREFIX = '/setpoint/locks/l/';

/** What became of a promise by now. */
function outcome<T>(promise: Promise<T>) {
  const state: { value?: T; error?: unknown; code?: ErrorCode } = {};
  promise.then(
    (value) => (state.value = value),
    (error: unknown) => {
      state.error = error;
      if (isSetpointError(error)) state.code = error.code;
    },
  );
  return state;
}

describe('lock', () => {
  let clock: FakeClock;
  let store: Store;
  let seed: number;
  let said: string[];
  let logger: Logger;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    seed = 1;
    said = [];
    logger = { debug() {}, info() {}, error() {}, warn: (_, message) => void said.push(message), child: () => logger };
  });

  const open = (options: Partial<SessionOptions> = {}) =>
    openSession({ store, clock, random: seededRandom(seed++), ttlSeconds: 6, logger, ...options });
  const keys = async () => (await store.range({ prefix: PREFIX })).kvs.map(({ key }) => keyText(key));

  /** The store, with a say in each transaction. */
  const meddling = (meddle: (request: TxnRequest, send: () => ReturnType<Store['txn']>) => ReturnType<Store['txn']>) =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'txn')
          return (request: TxnRequest, options?: object) => meddle(request, () => store.txn(request, options));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
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
    const lineUp = await store.range({ prefix: PREFIX, sort: { by: 'create', order: 'ascend' } });
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

  it('F-75: a waiter whose lease ran out gets SessionExpired, and never the lock', async () => {
    const [a, b] = [await open(), await open()];
    const first = await lock(a, 'l');
    const second = outcome(lock(b, 'l'));
    await clock.advance(0);
    await store.leaseRevoke(b.id);
    await clock.advance(200);
    await first.release();
    await clock.advance(0);
    expect(second.value).toBeUndefined();
    expect(second.code).toBe('SessionExpired');
    expect(await keys()).toEqual([]);
  });

  it('F-75: a frozen waiter that wakes up past its deadline does not take what has become free meanwhile', async () => {
    const [a, b] = [await open(), await open()];
    const first = await lock(a, 'l');
    const second = outcome(lock(b, 'l'));
    await clock.advance(0);
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

  it("F-83: a waiter's key that was deleted by hand is put back, at the end of the line, and that is said", async () => {
    const [a, b] = [await open(), await open()];
    const first = await lock(a, 'l');
    const second = outcome(lock(b, 'l'));
    await clock.advance(0);
    await store.delete({ key: (await keys()).find((key) => key !== first.key)! });
    await clock.advance(200);
    expect(said).toContain("somebody deleted our key; lock 'l': again");
    await first.release();
    await clock.advance(0);
    expect(second.value?.held).toBe(true);
  });

  it('F-84: keys of others under the prefix are ignored and said once; names that begin alike are other locks', async () => {
    await store.put({ key: `${PREFIX}somebody`, value: 'x' });
    await store.put({ key: `${PREFIX}1f-00000000-0000-4000-8000-000000000000`, value: 'no lease' });
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
