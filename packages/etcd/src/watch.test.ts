import { getEventListeners } from 'node:events';
import { deferred } from 'setpoint/internal';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../setpoint/src/internal/fake-clock.ts';
import type { Calls } from './calls.ts';
import { History } from './history.ts';
import { resolveOptions } from './options.ts';
import { Watch } from './watch.ts';

/** A watch over an endpoint whose login the test ends, and which says nothing on its streams. */
function setUp() {
  const login = deferred<string>();
  const streams = { open: 0, made: 0 };
  const clock = new FakeClock();
  const stream = () => {
    streams.open++;
    streams.made++;
    const over = deferred();
    const cancel = (): void => {
      streams.open--;
      over.resolve();
    };
    return { write: () => {}, cancel, [Symbol.asyncIterator]: () => ({ next: () => over.promise }) };
  };
  const endpoint = {
    url: 'http://a:2379',
    connection: {},
    version: '3.5.18',
    transport: { stream },
    streamEnded: () => {},
  };
  const calls = {
    closing: new AbortController().signal,
    settings: resolveOptions({ endpoints: 'a', clock }),
    endpoints: { usable: () => Promise.resolve(endpoint), cluster: { clusterId: '1' }, failed: () => {} },
    authentication: { configured: true, token: () => login.promise },
    history: new History(),
  } as unknown as Calls;
  const caller = new AbortController();
  const watch = new Watch(calls, { prefix: '/' }, { signal: caller.signal }, () => ({ what: 'watch' }));
  return { caller, clock, login, streams, watch };
}

describe('Watch', () => {
  it('I-89: ends at once when it is stopped during the login, and opens no stream afterwards', async () => {
    const { caller, login, streams, watch } = setUp();
    const next = watch.batches().next();
    await settle();
    caller.abort();
    expect(await Promise.race([next, settle()])).toEqual({ done: true, value: undefined });
    login.resolve('token');
    await settle();
    expect(streams.open).toBe(0);
  });

  it('X1: leaves no stream open when it is stopped in the moment that the login ends', async () => {
    const { caller, login, streams, watch } = setUp();
    const next = watch.batches().next();
    await settle();
    login.resolve('token');
    void login.promise.then(() => caller.abort());
    await next;
    await settle();
    expect(streams.open).toBe(0);
  });

  it('I-180: listens to its caller only while somebody iterates', async () => {
    const { caller, watch } = setUp();
    const batches = watch.batches();
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    await batches.return();
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  });

  it('F-26: gives a stream that does not stand ever more time, so that a slow link gets there', async () => {
    const { clock, login, streams, watch } = setUp();
    login.resolve('token');
    const next = watch.batches().next();
    const opened: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 100) {
      await clock.advance(100);
      if (streams.made > opened.length) opened.push(clock.now());
    }
    const livedS = opened.slice(1).map((at, index) => Math.round((at - opened[index]!) / 1000));
    // Each and a short pause: 5 s as a call, then 10, 20; at most eight times as long.
    expect(livedS).toEqual([5, 10, 20]);
    void next;
  });
});
