import { describe, expect, it } from 'vitest';
import { deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { TimeSlice } from '../internal/time-slice.ts';
import type { CacheChange } from './change.ts';
import type { EventHandler, EventHandlerOptions, HandlerRegistration } from './event-handler.ts';
import { HandlerSet } from './handler-set.ts';
import { Indexer } from './indexer.ts';
import type { Entry } from './lister.ts';

const never = new AbortController().signal;

const state = (key: string, object: string, modRevision: bigint, createRevision = 1n): Entry<string> => ({
  key,
  object,
  createRevision,
  modRevision,
});
const added = (after: Entry<string>): CacheChange<string> => ({
  key: after.key,
  before: undefined,
  after,
  revision: after.modRevision,
});
const updated = (before: Entry<string>, after: Entry<string>): CacheChange<string> => ({ ...added(after), before });
const deleted = (before: Entry<string>, revision: bigint): CacheChange<string> => ({
  key: before.key,
  before,
  after: undefined,
  revision,
});

function handlers() {
  const clock = new FakeClock();
  const errors: { error: unknown; during: string; handler: string; key: string }[] = [];
  const set = new HandlerSet<string>({
    clock,
    random: seededRandom(1),
    slice: new TimeSlice(clock),
    cache: new Indexer<string>(),
    onError: (error, where) => errors.push({ error, ...where }),
  });
  const add = (handler: EventHandler<string>, options: EventHandlerOptions<string> = {}): HandlerRegistration =>
    set.add(handler, [], true, options);
  const tell = (...changes: CacheChange<string>[]): Promise<void> => set.tell(changes, true, never);
  return { clock, errors, set, add, tell };
}

/** A handler that notes its calls and, while held, returns promises. */
function recorder(hold = false) {
  const calls: string[] = [];
  const gates: (() => void)[] = [];
  const note = (call: string): Promise<void> | undefined => {
    calls.push(call);
    if (!hold) return undefined;
    const gate = deferred();
    gates.push(gate.resolve);
    return gate.promise;
  };
  const handler: EventHandler<string> = {
    add: (object, { inInitialList }) => note(`add ${object}${inInitialList ? ' initial' : ''}`),
    update: (old, object) => note(`update ${old}→${object}`),
    delete: (object, { revision }) => note(`delete ${object}@${revision}`),
  };
  const release = async (): Promise<void> => {
    hold = false;
    gates.splice(0).forEach((open) => open());
    await settle();
  };
  return { calls, handler, release };
}

const [a1, a2, a3] = [state('a', 'a1', 2n), state('a', 'a2', 3n), state('a', 'a3', 4n)];
const again = state('a', 'again', 8n, 8n);

describe('HandlerQueue', () => {
  it('tells a handler that keeps up every change, in the order of the store', async () => {
    const { add, tell } = handlers();
    const { calls, handler } = recorder();
    add(handler);
    await tell(added(a1), updated(a1, a2), deleted(a2, 5n), added(again));
    expect(calls).toEqual(['add a1', 'update a1→a2', 'delete a2@5', 'add again']);
  });

  /** What a handler that was busy is told at last, after the changes that it was told before it became busy. */
  const merged: [string, CacheChange<string>[], string[]][] = [
    ['add + update is an add', [added(a1), updated(a1, a2)], ['add a2']],
    ['add + delete is nothing', [added(a1), deleted(a1, 3n)], []],
    ['update + update is one update from the first to the last', [updated(a1, a2), updated(a2, a3)], ['update a1→a3']],
    ['update + delete is a delete with the last known state', [updated(a1, a2), deleted(a2, 5n)], ['delete a2@5']],
    ['delete + add keeps both', [deleted(a1, 5n), added(again)], ['delete a1@5', 'add again']],
    ['delete + add + delete is the first delete', [deleted(a1, 5n), added(again), deleted(again, 9n)], ['delete a1@5']],
    [
      'delete + add + update keeps both, with the last state',
      [deleted(a1, 5n), added(again), updated(again, { ...again, object: 'again2' })],
      ['delete a1@5', 'add again2'],
    ],
  ];
  it.each(merged)('I-104: while a handler is busy, %s', async (_name, changes, expected) => {
    const { add, tell } = handlers();
    const { calls, handler, release } = recorder(true);
    const registration = add(handler);
    await tell(added(state('busy', 'busy', 1n)), ...changes);
    expect(calls).toEqual(['add busy']);
    expect(registration.pending).toBe(expected.length > 0 ? 1 : 0);
    await release();
    expect(calls.slice(1)).toEqual(expected);
  });

  it('I-104: a handler blocked for 5 min at 5,000 events/s keeps one record for each key, then learns the last state', async () => {
    const { add, tell } = handlers();
    const { calls, handler, release } = recorder(true);
    const registration = add(handler);
    const keys = Array.from({ length: 100 }, (_, at) => `key-${at}`);
    let last = new Map(keys.map((key) => [key, state(key, `${key} first`, 1n)]));
    await tell(...[...last.values()].map(added));
    for (let second = 0; second < 300; second++) {
      const changes: CacheChange<string>[] = [];
      for (let event = 0; event < 5000; event++) {
        const key = keys[event % keys.length]!;
        const next = state(key, `${key} ${second}`, BigInt(second + 2));
        changes.push(updated(last.get(key)!, next));
        last = last.set(key, next);
      }
      await tell(...changes);
      expect(registration.pending).toBeLessThanOrEqual(keys.length);
    }
    await release();
    expect(calls).toHaveLength(101);
    expect(calls).toContain('update key-0 first→key-0 299');
  });

  it('I-104: a key that changes all the time does not push others back', async () => {
    const { add, tell } = handlers();
    const { calls, handler, release } = recorder(true);
    add(handler);
    await tell(added(state('busy', 'busy', 1n)), updated(a1, a2), added(state('b', 'b', 4n)), updated(a2, a3));
    await release();
    expect(calls).toEqual(['add busy', 'update a1→a3', 'add b']);
  });

  it('I-96: calls of one handler do not overlap, and a busy handler does not hold up another', async () => {
    const { add, tell } = handlers();
    const [slow, quick] = [recorder(true), recorder()];
    add(slow.handler);
    add(quick.handler);
    await tell(added(a1), added(state('b', 'b', 3n)));
    expect(slow.calls).toEqual(['add a1']);
    expect(quick.calls).toEqual(['add a1', 'add b']);
    await slow.release();
    expect(slow.calls).toEqual(['add a1', 'add b']);
  });

  it('I-100: a handler that throws or rejects is reported with name and key, and is told the next change', async () => {
    const { add, tell, errors } = handlers();
    const { calls, handler } = recorder();
    const told: string[] = [];
    const failing = (object: string): Promise<void> => {
      told.push(object);
      if (object === 'a1') throw new Error('thrown');
      return Promise.reject(new Error('rejected'));
    };
    add({ add: failing, update: (_old, object) => failing(object) }, { name: 'failing' });
    add(handler);
    await tell(added(a1), updated(a1, a2));
    await settle();
    expect(told).toEqual(['a1', 'a2']);
    expect(calls).toEqual(['add a1', 'update a1→a2']);
    expect(errors.map(({ error, ...where }) => [String(error), where])).toEqual([
      ['Error: thrown', { during: 'handler', handler: 'failing', key: 'a' }],
      ['Error: rejected', { during: 'handler', handler: 'failing', key: 'a' }],
    ]);
  });

  it('I-101: a removed handler is called no more, also when it removes itself between delete and add of one key', async () => {
    const { add, tell } = handlers();
    const { calls, handler, release } = recorder(true);
    const registration = add({ ...handler, delete: () => (calls.push('delete'), registration.remove()) });
    await tell(added(state('busy', 'busy', 1n)), deleted(a1, 5n), added(again));
    await release();
    await tell(added(state('b', 'b', 9n)));
    expect(calls).toEqual(['add busy', 'delete']);
    expect(registration.pending).toBe(0);
    registration.remove();
  });

  it('I-97: a handler is synced when it has finished its initial adds, not before', async () => {
    const { set } = handlers();
    const { calls, handler, release } = recorder(true);
    const registration = set.add(handler, [a1, state('b', 'b', 3n)], true);
    expect(calls).toEqual([]);
    await settle();
    expect(calls).toEqual(['add a1 initial']);
    expect(registration.hasSynced).toBe(false);
    await release();
    expect(calls).toEqual(['add a1 initial', 'add b initial']);
    await registration.whenSynced();
    expect(registration.hasSynced).toBe(true);
  });

  it('I-97: an initial object that is gone before the handler got to it does not hold up the sync', async () => {
    const { set } = handlers();
    const { calls, handler } = recorder();
    const registration = set.add(handler, [a1], true);
    await set.tell([deleted(a1, 5n)], true, never);
    await registration.whenSynced();
    expect(calls).toEqual([]);
  });

  it('I-98: an empty initial list is a synced one', async () => {
    const { set } = handlers();
    const registration = set.add({}, [], true);
    await registration.whenSynced();
    expect(registration.hasSynced).toBe(true);
  });

  it('I-99: a handler that joins while changes are told starts from the cache and hears none of them again', async () => {
    const { set, clock } = handlers();
    // The first handler uses its slice up, and the late one catches up while the others rest.
    let [now, rests] = [0, 0];
    clock.now = () => now;
    clock.yield = async () => {
      for (let turns = rests++ === 0 ? 5 : 1; turns > 0; turns--) await settle();
    };
    const late = recorder();
    const cache = [state('a', 'a', 5n), state('b', 'b', 5n)];
    const join = (key: string): void => {
      if (key !== 'a') return;
      set.add(late.handler, cache, true);
      now += 10;
    };
    set.add({ add: (_object, { key }) => join(key) }, [], true);
    await set.tell(cache.map(added), true, never);
    await settle();
    expect(rests).toBeGreaterThan(0);
    expect(late.calls).toEqual(['add a initial', 'add b initial']);
  });

  it('waiting for a handler that is removed ends with Closed, with an aborted signal with Aborted', async () => {
    const { set } = handlers();
    const registration = set.add({}, [], false);
    const abort = new AbortController();
    const [removed, aborted] = [registration.whenSynced(), registration.whenSynced(abort.signal)];
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'Aborted' });
    registration.remove();
    await expect(removed).rejects.toMatchObject({ code: 'Closed' });
  });

  it('I-111: what starts to pass a filter is added, what stops to pass is deleted, the rest is not told', async () => {
    const { add, tell } = handlers();
    const { calls, handler } = recorder();
    add(handler, { filter: (object) => object !== 'a1' });
    await tell(added(a1), updated(a1, a2), updated(a2, a3), updated(a3, a1), deleted(a1, 9n));
    expect(calls).toEqual(['add a2', 'update a2→a3', 'delete a3@2']);
  });

  it('F-106: an object whose filter throws passes, and that is reported', async () => {
    const { add, tell, errors } = handlers();
    const { calls, handler } = recorder();
    const filter = (): boolean => {
      throw new Error('no');
    };
    add(handler, { filter });
    await tell(added(a1));
    expect(calls).toEqual(['add a1']);
    expect(errors).toMatchObject([{ during: 'filter', key: 'a' }]);
  });

  it('I-181: an object of a long initial list is looked at when its turn comes, not when the handler is added', async () => {
    const { set } = handlers();
    const entries = Array.from({ length: 100 }, (_, at) => state(`key-${at}`, 'x', 1n));
    let looks = 0;
    const registration = set.add({}, entries, true, { filter: () => ++looks > 0 });
    expect([looks, registration.pending, registration.hasSynced]).toEqual([0, 100, false]);
    await registration.whenSynced();
    expect([looks, registration.pending]).toEqual([100, 0]);
  });

  it('I-99: what changes before its turn in the initial list is told as it is by then, and once', async () => {
    const { set, tell } = handlers();
    const { calls, handler, release } = recorder(true);
    const first = (key: string): Entry<string> => state(key, `${key}1`, 1n);
    const later = (key: string, object = `${key}2`): Entry<string> => state(key, object, 9n);
    const hidden = state('hidden', 'out', 1n);
    const list = [...['a', 'b', 'gone', 'leaves', 'anew'].map(first), hidden];
    const registration = set.add(handler, list, true, { filter: (object) => object !== 'out' });
    await settle();
    await tell(...['a', 'b'].map((key) => updated(first(key), later(key))), deleted(first('gone'), 9n));
    await tell(updated(first('leaves'), later('leaves', 'out')), updated(hidden, later('hidden')));
    await tell(deleted(first('anew'), 8n), added(later('anew')), added(later('new')));
    set.hold();
    await release();
    expect([calls, registration.hasSynced]).toEqual([['add a1 initial'], false]);
    set.release();
    const rest = ['add b2 initial', 'update a1→a2', 'add hidden2', 'add anew2', 'add new2'];
    expect([calls.slice(1), registration.hasSynced, registration.pending]).toEqual([rest, true, 0]);
    await tell(deleted(later('anew'), 10n));
    expect(calls.at(-1)).toBe('delete anew2@10');
  });

  it('I-181: a long queue is told in slices, with other work in between', async () => {
    const clock = new FakeClock();
    let [now, rests] = [0, 0];
    clock.now = () => now;
    clock.yield = () => settle().then(() => void rests++);
    const slice = new TimeSlice(clock, 10);
    const set = new HandlerSet<string>({
      clock,
      random: seededRandom(1),
      slice,
      cache: new Indexer<string>(),
      onError: () => {},
    });
    const entries = Array.from({ length: 100 }, (_, at) => state(`key-${at}`, 'x', 1n));
    const registration = set.add({ add: () => void now++ }, entries, true);
    await registration.whenSynced();
    expect(rests).toBe(9);
  });
});
