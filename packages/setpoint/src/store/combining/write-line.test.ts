import { beforeEach, describe, expect, it } from 'vitest';
import { heldStore, keysIn } from '../../../../../test/harness/held-store.ts';
import { FakeClock, settle } from '../../internal/fake-clock.ts';
import { memoryStore } from '../memory/memory-store.ts';
import type { Compare, Store, TxnRequest } from '../port.ts';
import { combineWrites } from './combine-writes.ts';
import { footprintOf } from './footprint.ts';
import { PendingWrite } from './pending-write.ts';
import { WriteLine } from './write-line.ts';

/** A memory store whose writes wait for the test, and the same with its writes combined. */
function setUp() {
  const clock = new FakeClock();
  const memory = memoryStore({ clock });
  const held = heldStore(memory);
  return {
    clock,
    memory,
    held: held.store,
    calls: held.calls,
    store: combineWrites(held.store, { clock, maxInFlight: 1 }),
  };
}

const absent = (key: string): Compare => ({ key, target: 'version', operator: '=', operand: 0n });
const putIf = (key: string, ...compares: Compare[]): TxnRequest => ({
  compares,
  then: [{ put: { key, value: key } }],
});

describe('which writes may share a call', () => {
  let t: ReturnType<typeof setUp>;
  beforeEach(async () => {
    t = setUp();
    void t.store.put({ key: 'first', value: '' });
    await settle();
  });

  /** Makes the writes while one is under way, then lets everything through; gives the keys of each later call. */
  async function callsFor(...writes: ((store: Store) => Promise<unknown>)[]): Promise<(readonly string[])[]> {
    for (const write of writes) void write(t.store);
    for (let i = 0; i < t.calls.length; i++) await t.calls[i]!.pass();
    return t.calls.slice(1).map(keysIn);
  }

  const put = (key: string) => (store: Store) => store.put({ key, value: '' });
  const txn = (request: TxnRequest) => (store: Store) => store.txn(request);
  const remove = (selector: { prefix: string } | { key: string; end: string }) => (store: Store) =>
    store.delete(selector);

  it('{ if Y absent put X } and { if X absent put Y } do not: only one of them succeeds', async () => {
    const answers = [t.store.txn(putIf('x', absent('y'))), t.store.txn(putIf('y', absent('x')))];
    for (let i = 0; i < 3; i++) await t.calls[i]!.pass();
    expect((await Promise.all(answers)).map(({ succeeded }) => succeeded)).toEqual([true, false]);
  });

  it('puts of one key do not, and keep their order', async () => {
    expect(await callsFor(put('a'), put('a'), put('b'))).toEqual([['a', 'b'], ['a']]);
  });

  it('a delete of a range and a put into it do not', async () => {
    expect(await callsFor(put('p/1'), remove({ prefix: 'p/' }), put('q'))).toEqual([['p/1', 'q'], ['p/']]);
    expect(await callsFor(remove({ key: 'p/1', end: 'p/5' }), put('p/4'), put('p/5'))).toContainEqual(['p/1', 'p/5']);
  });

  it('deletes of overlapping ranges do not', async () => {
    expect(await callsFor(remove({ prefix: 'p/' }), remove({ key: 'o', end: 'p/1' }))).toEqual([['p/'], ['o']]);
  });

  it('a compare or a read of a range and a put into it do not, either way round', async () => {
    const compares = txn({
      compares: [{ prefix: 'p/', target: 'version', operator: '=', operand: 0n }],
      then: [{ put: { key: 'a', value: '' } }],
    });
    const reads = txn({ then: [{ put: { key: 'b', value: '' } }, { range: { prefix: 'p/' } }] });
    expect(await callsFor(compares, reads, put('p/1'), put('c'))).toEqual([['a', 'b', 'c'], ['p/1']]);
    expect((await callsFor(put('p/2'), compares, reads)).slice(2)).toEqual([['p/2'], ['a', 'b']]);
  });

  it('what the branch that may not run touches counts too, also when it is nested', async () => {
    const nested = txn({
      then: [{ put: { key: 'a', value: '' } }],
      else: [{ txn: { then: [{ put: { key: 'b', value: '' } }] } }],
    });
    expect(await callsFor(nested, put('b'))).toEqual([['a'], ['b']]);
  });

  it('two that only read the same key do', async () => {
    const guarded = (key: string) => txn(putIf(key, { key: 'lock', target: 'create', operator: '=', operand: 0n }));
    expect(await callsFor(guarded('a'), guarded('b'))).toEqual([['a', 'b']]);
  });

  it('a write does not overtake one that was passed over and touches the same keys', async () => {
    const second = txn({ ...putIf('a', absent('z')), else: [{ put: { key: 'b', value: '' } }] });
    // `b` could go with the first `a`, but the transaction in between writes it.
    expect(await callsFor(put('a'), second, put('b'), put('c'))).toEqual([['a', 'c'], ['a'], ['b']]);
  });

  it('the first of the line always goes, whatever keeps coming', async () => {
    const sweeping = t.store.delete({ prefix: 'k/' });
    for (let i = 0; i < 200; i++) void t.store.put({ key: `k/${i}`, value: '' });
    await t.calls[0]!.pass();
    expect(t.calls.slice(1).map(keysIn)).toEqual([['k/']]);
    await t.calls[1]!.pass();
    expect(await sweeping).toMatchObject({ deleted: 0n });
  });

  it('a write that asks to be alone is, and does not wait', async () => {
    void t.store.put({ key: 'lock/1', value: '' }, { alone: true });
    void t.store.put({ key: 'lock/2', value: '' }, { alone: true });
    void t.store.put({ key: 'a', value: '' });
    expect(t.calls.map(keysIn)).toEqual([['first'], ['lock/1'], ['lock/2']]);
    await t.calls[0]!.pass();
    expect(t.calls.map(keysIn).slice(3)).toEqual([['a']]);
  });

  it('a write that asks to be alone waits only for one that touches its key', async () => {
    const guarded = putIf('a', { key: 'lock', target: 'create', operator: '=', operand: 0n });
    void t.store.txn(guarded);
    void t.store.delete({ key: 'lock' }, { alone: true });
    void t.store.put({ key: 'b', value: '' });
    void t.store.txn({ ...guarded, then: [{ put: { key: 'c', value: '' } }] });
    await settle();
    for (let i = 0; i < t.calls.length; i++) await t.calls[i]!.pass();
    expect(t.calls.slice(1).map(keysIn)).toEqual([['a', 'b'], ['lock'], ['c']]);
  });

  it('a write that asks to be alone joins no call either when it had to wait', async () => {
    const store = combineWrites(t.held, { maxInFlight: 1, maxMembers: 2 });
    for (const key of ['1', 'lock', '2']) void store.put({ key, value: '' });
    void store.put({ key: 'lock', value: 'mine' }, { alone: true });
    await settle();
    for (let i = 1; i < t.calls.length; i++) await t.calls[i]!.pass();
    expect(t.calls.slice(1).map(keysIn)).toEqual([['1', 'lock'], ['2'], ['lock']]);
  });
});

describe('a line of writes', () => {
  const write = (key: string): PendingWrite =>
    new PendingWrite({
      operation: { put: { key, value: '' } },
      options: {},
      calledAt: 0,
      timeoutMs: undefined,
      footprintOf,
      onAbort: () => {},
    });

  /** How long it takes, at best, to take a call out of a line of so many writes. */
  function takingMs(length: number): number {
    const [line, each] = [new WriteLine(), write('a')];
    for (let i = 0; i < length; i++) line.add(each);
    const times = Array.from({ length: 200 }, () => {
      const startedAt = performance.now();
      line.take(1);
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  }

  it('gives a call out as fast when three hundred thousand wait as when a thousand do', () => {
    takingMs(1000);
    expect(takingMs(300_000)).toBeLessThan(200 * takingMs(1000));
  });

  it('keeps its order, and nothing of what has gone, over calls that pass writes over', () => {
    const line = new WriteLine();
    const writes = Array.from({ length: 160 }, (_, i) => write(`/${i % 3 === 0 ? 'hot' : i}`));
    writes.forEach((each) => line.add(each));
    const gone: PendingWrite[] = [];
    for (let calls = 0; line.length > 0; calls++) {
      if (calls === 2) writes.slice(120).forEach((each) => (each.answer({ revision: 1n }), line.oneHasSettled()));
      gone.push(...(line.length > 0 ? line.take(8) : []));
      const left = writes.filter((each) => !each.settled && !gone.includes(each));
      expect(line.all().map((each) => writes.indexOf(each))).toEqual(left.map((each) => writes.indexOf(each)));
    }
    const hot = writes.slice(0, 120).filter((_, i) => i % 3 === 0);
    expect(gone.filter((each) => hot.includes(each)).every((each, i) => each === hot[i])).toBe(true);
    expect(gone.length).toBe(120);
  });
});
