import { describe, expect, it } from 'vitest';
import { heldStore, keysIn } from '../../../../../test/harness/held-store.ts';
import { type ErrorCode, isSetpointError, SetpointError } from '../../errors/index.ts';
import { FakeClock, settle } from '../../internal/fake-clock.ts';
import { memoryStore } from '../memory/memory-store.ts';
import { combineWrites, type CombineWritesOptions } from './combine-writes.ts';

/** A memory store whose writes wait for the test, and the same with its writes combined. */
function setUp(options: CombineWritesOptions = {}) {
  const clock = new FakeClock();
  const memory = memoryStore({ clock });
  const held = heldStore(memory);
  return { clock, memory, calls: held.calls, store: combineWrites(held.store, { clock, maxInFlight: 1, ...options }) };
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => (isSetpointError(error) ? error.code : error),
  );

describe('when a member gives up', () => {
  it('before it was sent: Aborted, and it is not sent', async () => {
    const { store, calls } = setUp();
    void store.put({ key: 'first', value: '' });
    await settle();
    const caller = new AbortController();
    const given = outcome(store.put({ key: 'a', value: '' }, { signal: caller.signal }));
    void store.put({ key: 'b', value: '' });
    caller.abort(new Error('enough'));
    expect(await given).toBe('Aborted');
    await calls[0]!.pass();
    expect(calls.map(keysIn)).toEqual([['first'], ['b']]);
  });

  it('after it was sent: OutcomeUnknown, while the others go on', async () => {
    const { store, calls } = setUp();
    const caller = new AbortController();
    const given = outcome(store.put({ key: 'a', value: '' }, { signal: caller.signal }));
    const other = store.put({ key: 'b', value: '' });
    await settle();
    caller.abort();
    expect(await given).toBe('OutcomeUnknown');
    expect(calls[0]!.options?.signal?.aborted).toBe(false);
    await calls[0]!.pass();
    expect(await other).toEqual({ revision: 2n });
  });

  it('the call is cancelled when all its members have given up', async () => {
    const { store, calls } = setUp();
    const callers = [new AbortController(), new AbortController()];
    const given = callers.map(({ signal }, i) => outcome(store.put({ key: `${i}`, value: '' }, { signal })));
    await settle();
    callers[0]!.abort();
    expect(calls[0]!.options?.signal?.aborted).toBe(false);
    callers[1]!.abort();
    expect(calls[0]!.options?.signal?.aborted).toBe(true);
    expect(await Promise.all(given)).toEqual(['OutcomeUnknown', 'OutcomeUnknown']);
  });

  it('alone under way, its signal and its time are the store’s to keep', async () => {
    const { store, calls } = setUp({ timeoutMs: 500 });
    const { signal } = new AbortController();
    void store.put({ key: 'a', value: '' }, { signal, timeoutMs: 70 });
    await settle();
    expect(calls[0]!.options).toMatchObject({ timeoutMs: 70 });
    expect(calls[0]!.options?.signal).toBe(signal);
  });

  it('its time is up while it waits: Unavailable, nothing was sent', async () => {
    const { store, calls, clock } = setUp();
    void store.put({ key: 'first', value: '' });
    await settle();
    const late = outcome(store.put({ key: 'a', value: '' }, { timeoutMs: 100 }));
    void store.put({ key: 'b', value: '' });
    await clock.advance(99);
    expect(calls).toHaveLength(1);
    await clock.advance(1);
    expect(await late).toBe('Unavailable');
    await calls[0]!.pass();
    expect(calls.map(keysIn)).toEqual([['first'], ['b']]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('its time runs from its call, waiting included', async () => {
    const { store, calls, clock } = setUp({ timeoutMs: 1000 });
    void store.put({ key: 'first', value: '' });
    await settle();
    void store.put({ key: 'a', value: '' }, { timeoutMs: 500 });
    await clock.advance(200);
    await calls[0]!.pass();
    expect(calls[1]!.options).toMatchObject({ timeoutMs: 300 });
    void store.put({ key: 'b', value: '' });
    void store.put({ key: 'c', value: '' }, { timeoutMs: 700 });
    await clock.advance(100);
    await calls[1]!.pass();
    expect(calls[2]!.options).toMatchObject({ timeoutMs: 900 });
  });

  it('its time is up long before that of the others: OutcomeUnknown, while they go on', async () => {
    const { store, calls, clock } = setUp({ timeoutMs: 1000 });
    const hasty = outcome(store.put({ key: 'a', value: '' }, { timeoutMs: 100 }));
    const patient = store.put({ key: 'b', value: '' });
    await clock.advance(109);
    let settled = false;
    void hasty.then(() => (settled = true));
    await settle();
    expect(settled, 'within a tenth of its time it waits for the call').toBe(false);
    await clock.advance(1);
    expect(await hasty).toBe('OutcomeUnknown');
    await calls[0]!.pass();
    expect(await patient).toEqual({ revision: 2n });
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses a time that is none', async () => {
    const { store } = setUp();
    expect(await outcome(store.put({ key: 'a', value: '' }, { timeoutMs: 0 }))).toBe('Invalid');
  });

  it('leaves no listener on a signal that outlives it', async () => {
    const { store, calls } = setUp();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    for (const key of ['a', 'b']) void store.put({ key, value: '' }, { signal });
    await settle();
    expect(listeners).toBe(2);
    await calls[0]!.pass();
    expect(listeners).toBe(0);
  });
});

describe('when a call fails', () => {
  it('F-58, I-135: a lost answer leaves the outcome of every member unknown, and nothing is sent again', async () => {
    const { store, calls } = setUp();
    const answers = ['a', 'b', 'c'].map((key) => store.put({ key, value: '' }).catch((error: unknown) => error));
    await settle();
    await calls[0]!.fail('OutcomeUnknown');
    const errors = (await Promise.all(answers)) as SetpointError[];
    expect(errors.map(({ code, details }) => [code, details.key])).toEqual([
      ['OutcomeUnknown', 'a'],
      ['OutcomeUnknown', 'b'],
      ['OutcomeUnknown', 'c'],
    ]);
    expect(calls).toHaveLength(1);
  });

  it.each<ErrorCode>(['Unavailable', 'TooManyRequests', 'Closed', 'ClusterMismatch', 'Unauthenticated'])(
    'with %s, every member fails with it and nothing is sent again',
    async (code) => {
      const { store, calls } = setUp();
      const answers = ['a', 'b'].map((key) => outcome(store.put({ key, value: '' })));
      await settle();
      await calls[0]!.fail(code);
      expect(await Promise.all(answers)).toEqual([code, code]);
      expect(calls).toHaveLength(1);
    },
  );

  it('refused for the sake of one member, the others are sent without it and it gets its own error', async () => {
    const { store, calls, memory } = setUp();
    const answers = Array.from({ length: 8 }, (_, i) =>
      store.put({ key: `${i}`, value: '', lease: i === 5 ? 77n : 0n }).then(({ revision }) => revision, outcomeOf),
    );
    for (let i = 0; i < 9; i++) {
      await settle();
      await calls[i]?.pass();
    }
    expect(calls.map(keysIn)).toEqual([
      ['0', '1', '2', '3', '4', '5', '6', '7'],
      ['0', '1', '2', '3'],
      ['4', '5', '6', '7'],
      ['4', '5'],
      ['6', '7'],
      ['4'],
      ['5'],
    ]);
    expect(await Promise.all(answers)).toEqual([2n, 2n, 2n, 2n, 4n, 'LeaseNotFound', 3n, 3n]);
    expect(await memory.range({ fromKey: '\0', countOnly: true })).toMatchObject({ count: 7n });
  });

  const outcomeOf = (error: SetpointError): string => error.code;

  it.each<ErrorCode>(['PermissionDenied', 'Compacted', 'FutureRevision', 'Invalid', 'TooLarge', 'TooManyOperations'])(
    'with %s it is sent again in halves',
    async (code) => {
      const { store, calls } = setUp();
      const answers = ['a', 'b'].map((key) => outcome(store.put({ key, value: '' })));
      await settle();
      await calls[0]!.fail(code);
      expect(calls.map(keysIn)).toEqual([['a', 'b'], ['a'], ['b']]);
      await calls[1]!.pass();
      await calls[2]!.fail(code);
      expect(await Promise.all(answers)).toEqual(['done', code]);
    },
  );

  it('a member that gave up meanwhile is not sent again', async () => {
    const { store, calls } = setUp();
    const caller = new AbortController();
    const given = outcome(store.put({ key: 'a', value: '' }, { signal: caller.signal }));
    for (const key of ['b', 'c']) void store.put({ key, value: '' });
    await settle();
    caller.abort();
    await calls[0]!.fail('LeaseNotFound');
    expect(calls.map(keysIn)).toEqual([['a', 'b', 'c'], ['b'], ['c']]);
    expect(await given).toBe('OutcomeUnknown');
  });

  it('a failed call does not keep its place: what waits goes on', async () => {
    const { store, calls } = setUp();
    void outcome(store.put({ key: 'a', value: '' }));
    await settle();
    void store.put({ key: 'b', value: '' });
    await calls[0]!.fail('OutcomeUnknown');
    expect(calls.map(keysIn)).toEqual([['a'], ['b']]);
  });

  it('while the store has no space each write goes by itself, so that deletes get through', async () => {
    const { store, calls } = setUp();
    const two = (name: string): Promise<unknown>[] => [
      outcome(store.put({ key: `${name}1`, value: '' })),
      outcome(store.delete({ key: `${name}2` })),
    ];
    const first = two('a');
    await settle();
    await calls[0]!.fail('OutcomeUnknown', new SetpointError('NoSpace', 'the quota is used up'));
    expect(await Promise.all(first)).toEqual(['OutcomeUnknown', 'OutcomeUnknown']);
    const second = two('b');
    await settle();
    await calls[1]!.fail('NoSpace');
    await calls[2]!.pass();
    expect(await Promise.all(second)).toEqual(['NoSpace', 'done']);
    void two('c');
    await settle();
    expect(keysIn(calls[3]!), 'a delete that got through proves nothing').toEqual(['c1']);
    await calls[3]!.pass();
    await calls[4]!.pass();
    void two('d');
    await settle();
    expect(keysIn(calls[5]!)).toEqual(['d1', 'd2']);
  });
});
