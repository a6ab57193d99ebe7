import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, isSetpointError, SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import type { Logger } from '../internal/logger.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { openSession, type SessionOptions } from './session.ts';

const codeOf = (error: unknown): ErrorCode | undefined => (isSetpointError(error) ? error.code : undefined);

describe('a session', () => {
  let clock: FakeClock;
  let store: Store;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
  });

  const open = (options: Partial<SessionOptions> = {}) =>
    openSession({ store, clock, random: seededRandom(1), ttlSeconds: 6, ...options });

  /** The store, with renewals that do what the test says. */
  const renewing = (keepAlive: Store['leaseKeepAlive']): Store =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'leaseKeepAlive') return keepAlive;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });

  it('asks for 15 s unless told otherwise, as client-go does', async () => {
    const session = await openSession({ store, clock, random: seededRandom(1) });
    expect(session.ttlSeconds).toBe(15);
    expect((await store.leaseTimeToLive(session.id)).grantedTtlSeconds).toBe(15);
    await session.close();
  });

  it('I-144: renews every third of its TTL, and lives for as long as that works', async () => {
    const sent: number[] = [];
    const counting = renewing((id, options) => (sent.push(clock.now()), store.leaseKeepAlive(id, options)));
    const session = await open({ store: counting });
    await clock.advance(60_000);
    expect(sent.slice(0, 4)).toEqual([2000, 4000, 6000, 8000]);
    expect(session.alive).toBe(true);
    expect(await store.leases()).toEqual([session.id]);
    await session.close();
  });

  it('I-144: its deadline counts from when the last confirmed renewal was sent, less a margin', async () => {
    let slow = 0;
    const delayed = renewing(async (id, options) => {
      const answer = await store.leaseKeepAlive(id, options);
      await new Promise<void>((resolve) => void clock.setTimer(resolve, slow));
      return answer;
    });
    const session = await open({ store: delayed });
    expect(session.deadline).toBe(5400);
    slow = 1500;
    await clock.advance(3500);
    expect(session.deadline).toBe(2000 + 5400);
  });

  it('I-144, F-70: requests that pass and answers that do not: it is lost at the deadline, before the store lets go', async () => {
    const deaf = renewing(async (id) => {
      await store.leaseKeepAlive(id);
      throw new SetpointError('DeadlineExceeded', 'the answer was lost');
    });
    const session = await open({ store: deaf });
    await clock.advance(5399);
    expect(session.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(codeOf(session.signal.reason)).toBe('SessionExpired');
    expect(await store.leases()).toEqual([session.id]);
    expect(() => session.assertAlive()).toThrow('is lost');
  });

  it('tries a failed renewal again after 500 ms', async () => {
    const sent: number[] = [];
    const flaky = renewing((id, options) => {
      sent.push(clock.now());
      if (sent.length < 4) return Promise.reject(new SetpointError('Unavailable', 'nobody there'));
      return store.leaseKeepAlive(id, options);
    });
    const session = await open({ store: flaky });
    await clock.advance(4000);
    expect(sent).toEqual([2000, 2500, 3000, 3500]);
    await clock.advance(20_000);
    expect(session.alive).toBe(true);
  });

  it('F-72: a lease that was revoked ends the session with the next renewal', async () => {
    const session = await open();
    await store.leaseRevoke(session.id);
    await clock.advance(2000);
    expect(codeOf(session.signal.reason)).toBe('SessionExpired');
    expect(codeOf((session.signal.reason as Error).cause)).toBe('LeaseNotFound');
  });

  it('I-179: a stall past the deadline is noticed by the first question after it, without any timer', async () => {
    const session = await open();
    await clock.advance(1000);
    Object.assign(clock, { now: () => 7000 }); // time passed, nothing ran
    expect(session.signal.aborted).toBe(false);
    expect(session.alive).toBe(false);
    expect(session.signal.aborted).toBe(true);
  });

  it('I-145, F-73: a TTL below the minimum is raised by the store, is used as granted, and said once', async () => {
    const said: object[] = [];
    const logger: Logger = {
      debug() {},
      info() {},
      error() {},
      warn: (fields) => void said.push(fields),
      child: () => logger,
    };
    store = memoryStore({ clock, minLeaseTtlSeconds: 2 });
    const session = await open({ ttlSeconds: 1, logger });
    expect(session.ttlSeconds).toBe(2);
    expect(session.deadline).toBe(1500);
    await clock.advance(10_000);
    expect(session.alive).toBe(true);
    expect(said).toEqual([{ asked: 1, granted: 2 }]);
  });

  it('I-27: jumps of the wall clock change nothing', async () => {
    const session = await open();
    clock.jumpWall(-3_600_000);
    await clock.advance(30_000);
    clock.jumpWall(7_200_000);
    await clock.advance(30_000);
    expect(session.alive).toBe(true);
    await session.close();
  });

  it('closing revokes the lease, leaves no timer, and may be done twice', async () => {
    const session = await open();
    await store.put({ key: 'mine', value: '', lease: session.id });
    await session.close();
    await session.close();
    await settle();
    expect((await store.range({ key: 'mine' })).count).toBe(0n);
    expect(codeOf(session.signal.reason)).toBe('Closed');
    expect(clock.pendingTimers).toBe(0);
  });

  it('a grant whose answer was lost may simply be asked for again', async () => {
    const lossy = new Proxy(store, {
      get: (_, name) =>
        name === 'leaseGrant' ? () => Promise.reject(new SetpointError('OutcomeUnknown', 'lost')) : undefined,
    });
    await expect(open({ store: lossy })).rejects.toMatchObject({ code: 'Unavailable', retryable: true });
  });

  it('refuses options that can not work', async () => {
    for (const options of [{ ttlSeconds: 0 }, { ttlSeconds: 1.5 }, { renewEveryMs: 0 }, { identity: '' }]) {
      expect(codeOf(await open(options).catch((error: unknown) => error))).toBe('Invalid');
    }
    for (const options of [
      { ttlSeconds: 10, renewEveryMs: 9000 },
      { ttlSeconds: 10, renewWithinMs: 3000 },
    ]) {
      expect(codeOf(await open(options).catch((error: unknown) => error))).toBe('Invalid');
    }
    expect(codeOf(await open({ store: undefined as unknown as Store }).catch((error: unknown) => error))).toBe(
      'Invalid',
    );
  });
});
