import { getEventListeners } from 'node:events';
import { deferred } from 'setpoint/internal';
import { toBytes, type WatchRequest } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../setpoint/src/internal/fake-clock.ts';
import type { Calls } from './calls.ts';
import { History } from './history.ts';
import { resolveOptions } from './options.ts';
import type { WatchAnswer } from './protobuf/index.ts';
import { Watch } from './watch.ts';

/** What a server says that has created a watch at revision 1, and that a key came and went at revision 5. */
const SILENT = { created: false, canceled: false, compactRevision: 0n, cancelReason: '', fragment: false, events: [] };
const CREATED = { ...SILENT, header: { revision: 1n, cluster_id: '1' }, created: true } as unknown as WatchAnswer;
const GONE = {
  ...SILENT,
  header: undefined,
  events: [{ type: 'delete', kv: { key: toBytes('/a'), value: new Uint8Array(), modRevision: 5n } }],
} as unknown as WatchAnswer;

/** A watch over an endpoint whose login the test ends, and which says on its streams what the test makes it say. */
function setUp(request: Partial<WatchRequest> = {}) {
  const login = deferred<string>();
  const streams = { open: 0, made: 0 };
  const clock = new FakeClock();
  /** The next message of the stream that stands; undefined ends it. */
  let say: (answer: WatchAnswer | undefined) => void = () => {};
  const stream = () => {
    streams.open++;
    streams.made++;
    const over = deferred<IteratorResult<WatchAnswer>>();
    const cancel = (): void => {
      streams.open--;
      over.resolve({ done: true, value: undefined });
    };
    const next = (): Promise<IteratorResult<WatchAnswer>> => {
      const said = new Promise<IteratorResult<WatchAnswer>>((resolve) => {
        say = (value) => resolve(value === undefined ? { done: true, value } : { done: false, value });
      });
      return Promise.race([over.promise, said]);
    };
    return { write: () => {}, cancel, [Symbol.asyncIterator]: () => ({ next }) };
  };
  const endpoint = {
    url: 'http://a:2379',
    connection: {},
    version: '3.5.18',
    transport: { stream },
    streamEnded: () => {},
  };
  const history = new History();
  const calls = {
    closing: new AbortController().signal,
    settings: resolveOptions({ endpoints: 'a', clock }),
    endpoints: { usable: () => Promise.resolve(endpoint), cluster: { clusterId: '1' }, failed: () => {} },
    authentication: { configured: true, token: () => login.promise },
    history,
  } as unknown as Calls;
  const caller = new AbortController();
  const watch = new Watch(calls, { prefix: '/', ...request } as WatchRequest, { signal: caller.signal }, () => ({
    what: 'watch',
  }));
  /** When each stream was opened, over so many virtual milliseconds. */
  const openings = async (ms: number): Promise<number[]> => {
    const opened: number[] = [];
    const before = streams.made;
    for (const end = clock.now() + ms; clock.now() < end;) {
      await clock.advance(100);
      if (streams.made > before + opened.length) opened.push(clock.now());
    }
    return opened;
  };
  return { caller, clock, history, login, openings, say: (answer?: WatchAnswer) => say(answer), streams, watch };
}

const spans = (times: readonly number[]): number[] =>
  times.slice(1).map((at, index) => Math.round((at - times[index]!) / 1000));

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

  it('F-26: gives a stream that does not stand ever more time, up to eight times as much', async () => {
    const { login, openings, watch } = setUp();
    login.resolve('token');
    void watch.batches().next();
    // Each and a short pause: 5 s as a call, and twice as much each time.
    expect(spans(await openings(180_000))).toEqual([5, 10, 20, 40, 40, 40]);
  });

  it('F-26: begins anew with the time of a call once a stream has stood', async () => {
    const { caller, clock, login, openings, say, streams, watch } = setUp();
    login.resolve('token');
    const reading = (async () => {
      for await (const _ of watch.batches());
    })();
    expect(spans(await openings(20_000))).toEqual([5, 10]);
    say(CREATED);
    await settle();
    say(undefined);
    const made = streams.made;
    while (streams.made === made) await clock.advance(100);
    const since = clock.now();
    const [next] = await openings(10_000);
    expect(Math.round((next! - since) / 1000)).toBe(5);
    caller.abort();
    await reading;
  });

  it.each([
    [undefined, 1],
    ['put', 0],
  ] as const)(
    'F-41: by a watch that leaves out %s a history is told from another one %d times',
    async (exclude, resets) => {
      const { history, login, say, watch } = setUp(exclude && { exclude });
      login.resolve('token');
      const batches = watch.batches();
      const first = batches.next();
      await settle();
      say(CREATED);
      expect((await first).value).toMatchObject({ revision: 1n });
      const second = batches.next();
      await settle();
      say(GONE);
      expect((await second).value).toMatchObject({ revision: 5n });
      // A key that came and went in one revision is at neither side of it; nor is one of another history.
      await history.confirm({}, () => Promise.resolve({ revision: 9n, kvs: [], count: 0n, more: false }));
      expect(history.incarnation).toBe(resets);
      await batches.return();
    },
  );
});
