import { getEventListeners } from 'node:events';
import { SetpointError } from 'setpoint';
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
  let unusable: SetpointError | undefined;
  const calls = {
    closing: new AbortController().signal,
    settings: resolveOptions({ endpoints: 'a', clock }),
    endpoints: {
      usable: () => (unusable ? Promise.reject(unusable) : Promise.resolve(endpoint)),
      cluster: { clusterId: '1' },
      failed: () => {},
    },
    authentication: { configured: true, token: () => login.promise },
    history,
  } as unknown as Calls;
  const caller = new AbortController();
  const watchOf = (about: Partial<WatchRequest>, { signal } = caller): Watch =>
    new Watch(calls, { prefix: '/', ...about } as WatchRequest, { signal }, () => ({ what: 'watch' }));
  const watch = watchOf(request);
  /** The endpoints can't be used, and then can: over another connection that leads to this revision, or the same. */
  const outage = (error: SetpointError): void => void (unusable = error);
  const restored = async (revision: bigint | undefined): Promise<void> => {
    unusable = undefined;
    if (revision === undefined) return;
    endpoint.connection = {};
    await history.confirm(endpoint.connection, () => Promise.resolve({ revision, kvs: [], count: 0n, more: false }));
  };
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
  const saying = (answer?: WatchAnswer): void => say(answer);
  return { caller, clock, history, login, openings, outage, restored, say: saying, streams, watch, watchOf };
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

  /** A watch that was told of revision 5 and then ended with an error, as when something else answers at the address. */
  async function endedAfterFive() {
    const t = setUp({ startRevision: 2n });
    t.login.resolve('token');
    const batches = t.watch.batches();
    const first = batches.next();
    await settle();
    t.say(CREATED);
    await settle();
    t.say(GONE);
    expect((await first).value).toMatchObject({ revision: 5n });
    const second = batches.next();
    await settle();
    t.outage(new SetpointError('NotEtcd', 'a web server'));
    t.say(undefined);
    const ended = expect(second).rejects.toMatchObject({ code: 'NotEtcd' });
    await t.clock.advance(1000);
    await ended;
    /** What comes of a watch from here on. */
    const from = async (startRevision: bigint, prefix = '/'): Promise<unknown> => {
      const caller = new AbortController();
      const next = t.watchOf({ startRevision, prefix }, caller).batches().next();
      await settle();
      t.say(CREATED);
      const outcome = await Promise.race([next.catch((error: unknown) => (error as SetpointError).code), settle()]);
      caller.abort();
      await next.catch(() => {});
      return outcome;
    };
    return { ...t, from };
  }

  it('F-40 F-41: one that goes on where another ended is of that history, whoever found the reset in between', async () => {
    const { from, restored, history } = await endedAfterFive();
    await restored(3n);
    expect(history.incarnation).toBe(1);
    expect(await from(6n)).toBe('HistoryReset');
    // Who has listed again, and begins there by chance, is not told for ever.
    expect(await from(6n)).toBe(undefined);
  });

  it.each([
    ['the history is the same', undefined, 6n, '/'],
    ['it begins elsewhere', 3n, 4n, '/'],
    ['it is of other keys', 3n, 6n, '/b'],
  ] as const)('F-40: one that begins after the end of another goes on when %s', async (_, revision, start, prefix) => {
    const { from, restored } = await endedAfterFive();
    await restored(revision);
    expect(await from(start, prefix)).toBe(undefined);
  });
});
