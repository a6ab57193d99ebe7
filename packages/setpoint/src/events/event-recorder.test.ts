import { describe, expect, it } from 'vitest';
import { sampleClient, type Website } from '../../../../test/harness/sample-objects.ts';
import { SetpointError } from '../errors/index.ts';
import { seededRandom } from '../internal/random.ts';
import { createMetrics } from '../internal/metrics.ts';
import type { ObjectOf } from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import { CACHE_MAX, Correlation } from './correlation.ts';
import { createEventRecorder, Event, type EventRecorderOptions } from './index.ts';
import { Recurrence } from './recurrence.ts';

const MINUTE = 60_000;

/** Fails every write while `away` says so, and with `refused` every one but of leases. */
function flaky(store: Store, state: { away: boolean; refused?: SetpointError; tried: number }): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name === 'txn' && state.refused) return Promise.reject(state.refused);
        if (name === 'leaseGrant') {
          state.tried++;
          if (state.away) return Promise.reject(new SetpointError('Unavailable', 'away'));
        }
        return member.apply(target, args);
      };
    },
  });
}

async function recording(options: Partial<EventRecorderOptions> = {}) {
  const state: Parameters<typeof flaky>[1] = { away: false, tried: 0 };
  const made = sampleClient();
  const store = flaky(made.store, state);
  const { clock } = made;
  const { client } = sampleClient({ store, clock });
  const metrics = createMetrics();
  const recorder = createEventRecorder({ client, clock, random: seededRandom(1), metrics, instance: 'me', ...options });
  const record = recorder.for('websites');
  const web = await made.websites.create({ name: 'web', spec: { message: 'm' } });
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  const say = (message: string, object: ObjectOf<typeof Website> = web) =>
    record(object, { type: 'Warning', reason: 'Failed', message });
  const events = async () => (await made.client.resource(Event).list()).items;
  const dropped = (reason: string): number => {
    const line = new RegExp(`setpoint_events_dropped_total\\{reason="${reason}"\\} (\\d+)`).exec(metrics.render());
    return Number(line?.[1] ?? 0);
  };
  return { ...made, recorder, record, web, say, events, dropped, state, stop, running };
}

describe('an event', () => {
  it('is stored beside its object, with who, what, why and when', async () => {
    const { say, events, clock, web } = await recording();
    say('no certificate');
    await clock.advance(0);
    const [event] = await events();
    expect(event).toMatchObject({
      metadata: { namespace: 'default', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) },
      spec: {
        regarding: { apiVersion: 'demo.dev/v1', kind: 'Website', name: 'web', uid: web.metadata.uid },
        type: 'Warning',
        reason: 'Failed',
        message: 'no certificate',
        reportingController: 'websites',
        reportingInstance: 'me',
        eventTime: '2026-01-01T00:00:00.000Z',
      },
    });
    expect(event!.spec.series).toBeUndefined();
  });

  it('goes after an hour unless told otherwise, not before it, and shares its lease with others of its age', async () => {
    const { say, events, clock, store, state } = await recording();
    say('one');
    await clock.advance(30_000);
    say('two');
    await clock.advance(0);
    expect(state.tried).toBe(1);
    expect((await store.leases()).length).toBe(1);
    await clock.advance(60 * MINUTE - 1000);
    expect(await events()).toHaveLength(2);
    await clock.advance(2 * MINUTE);
    expect(await events()).toHaveLength(0);
  });
});

describe('what recurs', () => {
  it('I-165: is counted in one object, not stored again', async () => {
    const { say, events, clock } = await recording();
    for (let index = 0; index < 5; index++) say('the same');
    await clock.advance(7 * MINUTE);
    const stored = await events();
    expect(stored.map(({ spec }) => spec.series?.count)).toEqual([5]);
  });

  it('I-165: collapses into one from the tenth similar message within ten minutes on', async () => {
    const { say, events, clock } = await recording();
    for (let index = 0; index < 20; index++) say(`request ${index} failed`);
    await clock.advance(7 * MINUTE);
    const stored = await events();
    expect(stored).toHaveLength(10);
    const combined = stored.filter(({ spec }) => spec.message.startsWith('(combined from similar events): '));
    expect(combined.map(({ spec }) => [spec.series?.count, spec.message.slice(-17)])).toEqual([
      [11, 'request 19 failed'],
    ]);
    await clock.advance(11 * MINUTE);
    say('request 99 failed');
    await clock.advance(0);
    expect((await events()).some(({ spec }) => spec.message === 'request 99 failed')).toBe(true);
  });

  it('I-165: is remembered for 4096 events', () => {
    const recurrence = new Recurrence();
    const correlation = new Correlation();
    for (let index = 0; index < 3 * CACHE_MAX; index++) {
      correlation.correlate({ source: `s${index}`, group: `g${index}`, message: 'm' }, 0);
      recurrence.add(`id${index}`, { seenAt: 0, count: 1, storedCount: 1 } as never);
    }
    expect(recurrence.size).toBe(CACHE_MAX);
    expect(recurrence.recur('id0', 'm', { now: 1, wallNow: 1 })).toBeUndefined();
    expect(recurrence.recur(`id${3 * CACHE_MAX - 1}`, 'm', { now: 1, wallNow: 1 })?.count).toBe(2);
  });

  it('I-166: is limited to 25 at once for one source and object, then one in five minutes', async () => {
    const { say, dropped, websites, clock, record, events } = await recording();
    for (let index = 0; index < 30; index++) say('flood');
    expect(dropped('spam')).toBe(5);
    const other = await websites.create({ name: 'other', spec: { message: 'm' } });
    say('flood', other);
    expect(dropped('spam')).toBe(5);
    await clock.advance(5 * MINUTE);
    say('flood');
    say('flood');
    expect(dropped('spam')).toBe(6);
    record(other, { reason: 'Fine', message: 'ok' });
    await clock.advance(7 * MINUTE);
    expect((await events()).map(({ spec }) => spec.series?.count ?? 1).toSorted((a, b) => a - b)).toEqual([1, 1, 26]);
  });

  it('I-168: is a series from its second time on, stored then, every half hour, and when it was idle for six minutes', async () => {
    const { say, events, clock } = await recording();
    const counts = async () => (await events()).map(({ spec }) => spec.series?.count);
    say('again');
    await clock.advance(0);
    expect(await counts()).toEqual([undefined]);
    say('again');
    await clock.advance(0);
    expect(await counts()).toEqual([2]);
    for (let minutes = 2; minutes <= 28; minutes += 2) {
      await clock.advance(2 * MINUTE);
      say('again');
    }
    expect(await counts()).toEqual([2]);
    await clock.advance(3 * MINUTE);
    expect(await counts()).toEqual([16]);
    say('again');
    await clock.advance(5 * MINUTE);
    expect(await counts()).toEqual([16]);
    await clock.advance(2 * MINUTE);
    expect(await counts()).toEqual([17]);
    say('again');
    await clock.advance(0);
    expect((await counts()).toSorted()).toEqual([17, undefined]);
  });
});

describe('a store that is away', () => {
  it('I-167: neither blocks nor breaks recording; a thousand events wait, and what is more is dropped and counted', async () => {
    const { record, websites, state, clock, dropped, recorder, events } = await recording();
    state.away = true;
    const web = await websites.get('web');
    for (let index = 0; index < 1500; index++) {
      const object = { ...web, metadata: { ...web.metadata, uid: `u${index}` } };
      record(object, { reason: 'Lost', message: 'm' });
    }
    expect(recorder.pending).toBe(1000);
    expect(dropped('overflow')).toBe(500);
    expect(() => record(undefined as never, { reason: 'x', message: 'y' })).not.toThrow();
    await clock.advance(30_000);
    state.away = false;
    await clock.advance(15_000);
    expect(recorder.pending).toBe(0);
    expect(await events()).toHaveLength(1000);
  }, 60_000);

  it('I-167: is tried twelve times, about ten seconds apart', async () => {
    const { say, state, clock, dropped, recorder } = await recording();
    state.away = true;
    say('lost');
    await clock.advance(0);
    const began = clock.now();
    while (recorder.pending > 0) await clock.advance(1000);
    expect(state.tried).toBe(12);
    expect(clock.now() - began).toBeGreaterThanOrEqual(55_000);
    expect(clock.now() - began).toBeLessThanOrEqual(165_000);
    expect(dropped('unstored')).toBe(1);
  });

  it('takes no lease for each event that the store refuses', async () => {
    const { say, state, clock, dropped, events, store } = await recording();
    state.refused = new SetpointError('PermissionDenied', 'no events for this user');
    for (let index = 0; index < 9; index++) say(`refused ${index}`);
    await clock.advance(0);
    expect(dropped('unstored')).toBe(9);
    expect(await store.leases()).toHaveLength(1);
    delete state.refused;
    for (const lease of await store.leases()) await store.leaseRevoke(lease);
    say('stored');
    await clock.advance(20_000);
    expect(await events()).toHaveLength(1);
  });

  it('ends a run within two seconds, which otherwise stores what is left', async () => {
    const { say, stop, running, events, clock, state } = await recording();
    say('first');
    say('second');
    stop.abort();
    await running;
    expect(await events()).toHaveLength(2);
    expect(clock.pendingTimers).toBeLessThanOrEqual(1);
    const away = await recording();
    away.state.away = true;
    away.say('lost');
    away.stop.abort();
    await away.running;
    expect(await away.events()).toHaveLength(0);
    expect(state.away).toBe(false);
  });
});
