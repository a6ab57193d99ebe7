import { describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import type { Revision, Store } from './port.ts';
import { memoryStore } from './memory/memory-store.ts';
import { type LostWrite, resolveOutcome, type WriteOutcome } from './resolve-outcome.ts';

const KEY = '/k';

function setUp() {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const put = async (value: string, key = KEY): Promise<Revision> => (await store.put({ key, value })).revision;
  /** Asks while time passes, since some answers take a request for progress. */
  const ask = async (write: Omit<LostWrite, 'key'>, over: Pick<Store, 'range' | 'watch'> = store) => {
    let outcome: WriteOutcome | undefined;
    const asking = resolveOutcome(over, { key: KEY, ...write }, { clock }).then((answer) => (outcome = answer));
    while (!outcome) await clock.advance(clock.nextTimerIn ?? 0);
    await asking;
    expect(clock.pendingTimers).toBeLessThanOrEqual(1);
    return outcome;
  };
  return { clock, store, put, ask };
}

const mayArrive = { state: 'unknown', because: 'may-arrive' };
const noHistory = { state: 'unknown', because: 'no-history' };

describe('resolveOutcome of a write that required a revision', () => {
  it('F-58: finds it where it is, and at its own revision when it was overwritten or deleted since', async () => {
    const { store, put, ask } = setUp();
    const base = await put('old');
    expect(await ask({ base, ours: 'mine' })).toEqual(mayArrive);
    const revision = await put('mine');
    expect(await ask({ base, ours: 'mine' })).toEqual({ state: 'applied', revision });
    await put('theirs');
    expect(await ask({ base, ours: 'mine' })).toEqual({ state: 'applied', revision });
    await store.delete({ key: KEY });
    expect(await ask({ base, ours: 'mine' })).toEqual({ state: 'applied', revision });
  });

  it('F-59: says that it was not applied once another write took its place, and no sooner', async () => {
    const { store, put, ask } = setUp();
    const base = await put('old');
    expect(await ask({ base, ours: 'mine' })).toEqual(mayArrive);
    expect(await ask({ base, ours: 'mine', cannotArrive: true })).toMatchObject({ because: 'cannot-arrive' });
    await put('theirs');
    expect(await ask({ base, ours: 'mine' })).toMatchObject({
      state: 'not-applied',
      because: 'overtaken',
      current: { modRevision: base + 1n },
    });
    await store.delete({ key: KEY });
    expect(await ask({ base, ours: 'mine' })).toEqual({
      state: 'not-applied',
      because: 'overtaken',
      current: undefined,
    });
    // The same value, written later by another: it is not ours, for ours would have come first.
    await put('mine');
    expect(await ask({ base, ours: 'mine' })).toMatchObject({ because: 'overtaken' });
  });

  it('recognises a guarded delete by the revision it required', async () => {
    const { store, put, ask } = setUp();
    const base = await put('old');
    const ours: LostWrite['ours'] = ({ type }) => type === 'delete';
    expect(await ask({ base, ours })).toEqual(mayArrive);
    const { revision } = await store.delete({ key: KEY });
    await put('new');
    expect(await ask({ base, ours })).toEqual({ state: 'applied', revision });
  });

  it('says that it can not tell when the history that would was compacted', async () => {
    const { store, put, ask } = setUp();
    const base = await put('old');
    await put('a');
    await store.compact(await put('b'));
    expect(await ask({ base, ours: 'mine' })).toMatchObject({ ...noHistory, cause: { code: 'Compacted' } });
  });
});

describe('resolveOutcome of a create', () => {
  it('F-58: finds it at the revision that created the key, also when it was changed and still carries its mark', async () => {
    const { put, ask } = setUp();
    const revision = await put('mine');
    await put('mine, changed');
    const ours: LostWrite['ours'] = ({ kv }) => new TextDecoder().decode(kv.value).startsWith('mine');
    expect(await ask({ base: 0n, ours })).toEqual({ state: 'applied', revision });
  });

  it('F-59: never takes absence, or the key of another, for "not applied": it may yet arrive', async () => {
    const { store, put, ask } = setUp();
    const since = await put('x', '/elsewhere');
    expect(await ask({ base: 0n, ours: 'mine' })).toEqual(mayArrive);
    expect(await ask({ base: 0n, ours: 'mine', since })).toEqual(mayArrive);
    await put('theirs');
    expect(await ask({ base: 0n, ours: 'mine' })).toEqual(noHistory);
    expect(await ask({ base: 0n, ours: 'mine', since })).toEqual(mayArrive);
    await store.delete({ key: KEY });
    expect(await ask({ base: 0n, ours: 'mine', since })).toEqual(mayArrive);
  });

  it('tells by history what was created and deleted since, and what can not have been', async () => {
    const { store, put, ask } = setUp();
    const since = await put('x', '/elsewhere');
    const cannotArrive = { base: 0n, ours: 'mine', cannotArrive: true };
    expect(await ask(cannotArrive)).toEqual(noHistory);
    const never = { state: 'not-applied', because: 'cannot-arrive', current: undefined };
    expect(await ask({ ...cannotArrive, since })).toEqual(never);
    const revision = await put('mine');
    await store.delete({ key: KEY });
    expect(await ask({ ...cannotArrive, since })).toEqual({ state: 'applied', revision });
    expect(await ask({ ...cannotArrive, since: revision + 1n })).toEqual(never);
  });
});

describe('resolveOutcome of a put without a condition', () => {
  it('F-58: finds it where it is, and in history when it was overwritten since', async () => {
    const { put, ask } = setUp();
    const since = await put('old');
    expect(await ask({ ours: 'mine', since })).toEqual(mayArrive);
    const revision = await put('mine');
    expect(await ask({ ours: 'mine' })).toEqual({ state: 'applied', revision });
    await put('theirs');
    expect(await ask({ ours: 'mine' })).toEqual(noHistory);
    expect(await ask({ ours: 'mine', since })).toEqual({ state: 'applied', revision });
    expect(await ask({ ours: 'another', since })).toEqual(mayArrive);
  });
});

describe('resolveOutcome', () => {
  it('reports a store that can not be read as unknown, with the reason, and asks nothing for one who has given up', async () => {
    const { clock, store, put, ask } = setUp();
    const base = await put('old');
    await put('new');
    const unavailable = new SetpointError('Unavailable', 'no endpoint answered');
    const dead = { range: () => Promise.reject(unavailable), watch: store.watch.bind(store) };
    expect(await ask({ base, ours: 'mine' }, dead)).toEqual({
      state: 'unknown',
      because: 'unreadable',
      cause: unavailable,
    });
    const given = await resolveOutcome(
      dead,
      { key: KEY, base, ours: 'new' },
      { clock, signal: AbortSignal.abort('stop') },
    );
    expect(given).toEqual({ state: 'unknown', because: 'unreadable', cause: 'stop' });
  });

  it('waits for history no longer than its time, and leaves nothing running', async () => {
    const { clock, store, put, ask } = setUp();
    const base = await put('old');
    await put('new');
    let ended = false;
    const silent: Store['watch'] = (_request, { signal } = {}) => {
      const next = async (): Promise<IteratorReturnResult<undefined>> => {
        await new Promise((resolve) => signal!.addEventListener('abort', resolve));
        ended = true;
        return { done: true, value: undefined };
      };
      return { [Symbol.asyncIterator]: () => ({ next }) };
    };
    const startedAt = clock.now();
    expect(await ask({ base, ours: 'mine' }, { range: store.range.bind(store), watch: silent })).toEqual(noHistory);
    expect(clock.now() - startedAt).toBe(5000);
    expect(ended).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-91: needs no mark of progress where the key still stands: its last change says that all of them were seen', async () => {
    const { clock, store, put, ask } = setUp();
    const since = await put('old');
    await put('theirs');
    await put('x', '/elsewhere');
    const withoutMarks: Pick<Store, 'range' | 'watch'> = {
      range: store.range.bind(store),
      async *watch(request, { signal } = {}) {
        for await (const batch of store.watch(request, { signal: signal! })) if (batch.events.length > 0) yield batch;
      },
    };
    const startedAt = clock.now();
    expect(await ask({ ours: 'mine', since }, withoutMarks)).toEqual(mayArrive);
    expect(await ask({ base: 0n, ours: 'mine', since, cannotArrive: true }, withoutMarks)).toMatchObject({
      state: 'not-applied',
      because: 'cannot-arrive',
    });
    expect(clock.now()).toBe(startedAt);
  });

  it('throws what is no failure of the store', async () => {
    const bug = { range: () => Promise.reject(new TypeError('a bug')), watch: () => ({}) as never };
    await expect(resolveOutcome(bug, { key: KEY, ours: 'x' })).rejects.toThrow(TypeError);
  });
});
