import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { heldStore, keysIn } from '../../../../../test/harness/held-store.ts';
import { isSetpointError } from '../../errors/index.ts';
import { FakeClock, settle } from '../../internal/fake-clock.ts';
import { memoryStore } from '../memory/memory-store.ts';
import type { Compare, TxnRequest } from '../port.ts';
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

const absent = (key: string): Compare => ({ key, target: 'version', operator: '=', operand: 0n });

describe('when writes are combined', () => {
  let t: ReturnType<typeof setUp>;
  beforeEach(() => {
    t = setUp();
  });

  it('a write that finds nothing under way is sent at once and as it is', async () => {
    const answer = t.store.put({ key: 'a', value: '1', prevKv: true });
    await settle();
    expect(t.calls.map((call) => call.operation)).toEqual([{ put: { key: 'a', value: '1', prevKv: true } }]);
    await t.calls[0]!.pass();
    expect(await answer).toEqual({ revision: 2n });
  });

  it('what comes while calls are under way waits, and then travels together', async () => {
    t = setUp({ maxInFlight: 2 });
    const answers: Promise<unknown>[] = [];
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      answers.push(t.store.put({ key, value: '' }));
      await settle();
    }
    expect(t.calls.map(keysIn)).toEqual([['a'], ['b']]);
    await t.calls[1]!.pass();
    expect(t.calls.map(keysIn)).toEqual([['a'], ['b'], ['c', 'd', 'e']]);
    await t.calls[0]!.pass();
    await t.calls[2]!.pass();
    expect(await Promise.all(answers)).toEqual([3n, 2n, 4n, 4n, 4n].map((revision) => ({ revision })));
  });

  it('writes that are made together travel together', async () => {
    for (const key of ['a', 'b', 'c']) void t.store.put({ key, value: '' });
    await settle();
    expect(t.calls.map(keysIn)).toEqual([['a', 'b', 'c']]);
  });

  it('reads, and transactions that only read, are not held up', async () => {
    void t.store.put({ key: 'a', value: '' });
    await settle();
    expect(await t.store.range({ key: 'a' })).toMatchObject({ count: 0n });
    const read = t.store.txn({ compares: [absent('a')], then: [{ range: { key: 'a' } }] });
    expect(t.calls.map((call) => Object.keys(call.operation)[0])).toEqual(['put', 'txn']);
    await t.calls[1]!.pass();
    expect(await read).toMatchObject({ succeeded: true });
  });

  it('a call carries at most maxMembers', async () => {
    t = setUp({ maxMembers: 3 });
    for (let i = 0; i < 7; i++) void t.store.put({ key: `${i}`, value: '' });
    await settle();
    for (let i = 0; i < 2; i++) await t.calls[i]!.pass();
    expect(t.calls.map(keysIn)).toEqual([['0', '1', '2'], ['3', '4', '5'], ['6']]);
  });

  it('by default four calls are under way, and a call carries at most 64 writes', async () => {
    const { calls, store: held } = heldStore(t.memory);
    const store = combineWrites(held, { clock: t.clock });
    for (let i = 0; i < 5; i++) {
      void store.put({ key: `first-${i}`, value: '' });
      await settle();
    }
    expect(calls).toHaveLength(4);
    for (let i = 0; i < 70; i++) void store.put({ key: `then-${i}`, value: '' });
    await calls[0]!.pass();
    expect(keysIn(calls[4]!)).toHaveLength(64);
  });

  it('F-63: a call has at most 128 operations on any path', async () => {
    const wide = (name: string, size: number): TxnRequest => ({
      then: Array.from({ length: size }, (_, i) => ({ put: { key: `${name}${i}`, value: '' } })),
    });
    const answers = ['a', 'b', 'c', 'd'].map((name) => t.store.txn(wide(name, 125)));
    answers.push(t.store.txn(wide('e', 128)));
    await settle();
    expect(t.calls.map(keysIn)).toEqual([['a0', 'b0', 'c0']]);
    for (let i = 0; i < 3; i++) await t.calls[i]!.pass();
    await Promise.all(answers);
    expect(t.calls).toHaveLength(3);
  });

  it('F-62: a call stays below 1.5 MiB', async () => {
    const answers = ['a', 'b', 'c', 'd'].map((key) => t.store.put({ key, value: new Uint8Array(500_000) }));
    await settle();
    expect(t.calls.map(keysIn)).toEqual([['a', 'b', 'c']]);
    for (let i = 0; i < 2; i++) await t.calls[i]!.pass();
    await Promise.all(answers);
  });

  it('what is refused for its shape fails by itself and is never sent', async () => {
    const bad = outcome(t.store.put({ key: '', value: '' }));
    const twice = outcome(t.store.txn({ then: [{ put: { key: 'a', value: '' } }, { put: { key: 'a', value: '' } }] }));
    void t.store.put({ key: 'b', value: '' });
    expect(await Promise.all([bad, twice])).toEqual(['Invalid', 'Invalid']);
    await settle();
    expect(t.calls.map(keysIn)).toEqual([['b']]);
  });

  it('a write is what it was when it was made, whatever its caller does to the bytes', async () => {
    void t.store.put({ key: 'first', value: '' });
    await settle();
    const key = Buffer.from('k');
    const value = Buffer.from('v');
    const answer = t.store.put({ key, value });
    key.fill('x');
    value.fill('x');
    await t.calls[0]!.pass();
    await t.calls[1]!.pass();
    await answer;
    expect(await t.memory.range({ key: 'k' })).toMatchObject({ kvs: [{ value: new TextEncoder().encode('v') }] });
  });

  it('refuses options that make no sense', () => {
    for (const options of [{ maxMembers: 0 }, { maxMembers: 129 }, { maxInFlight: 1.5 }, { timeoutMs: -1 }]) {
      expect(() => combineWrites(t.memory, options)).toThrow('combineWrites.');
    }
  });
});

describe('closing', () => {
  it('ends what waits with Closed, sends nothing more and closes the store', async () => {
    const { store, calls, memory, clock } = setUp({ timeoutMs: 1000 });
    const first = outcome(store.put({ key: 'first', value: '' }));
    await settle();
    const waiting = outcome(store.put({ key: 'a', value: '' }));
    await store.close();
    expect(await waiting).toBe('Closed');
    await calls[0]!.fail('Closed');
    expect(await first).toBe('Closed');
    expect(calls).toHaveLength(1);
    expect(await outcome(memory.range({ key: 'a' }))).toBe('Closed');
    expect(clock.pendingTimers).toBe(0);
  });

  it('F-29: any number of writes and watches under one signal draws no warning of a leak', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const t = setUp();
    void t.store.put({ key: 'first', value: '' });
    await settle();
    const [writing, watching] = [new AbortController(), new AbortController()];
    const each = Array.from({ length: 50 }, (_, i) => `/${i}`);
    const writes = each.map((key) => outcome(t.store.put({ key, value: '' }, { signal: writing.signal })));
    const watches = each.map((prefix) =>
      t.memory.watch({ prefix }, { signal: watching.signal })[Symbol.asyncIterator](),
    );
    await settle();
    expect(warnings).toEqual([]);
    watching.abort();
    writing.abort();
    for (const watch of watches) expect((await watch.next()).done).toBe(true);
    expect(await Promise.all(writes)).toEqual(each.map(() => 'Aborted'));
  });
});
