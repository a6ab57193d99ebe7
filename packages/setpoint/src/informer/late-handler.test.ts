import { expect, it } from 'vitest';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { TimeSlice } from '../internal/time-slice.ts';
import { type CacheChange, changesBetween } from './change.ts';
import type { EventHandler, HandlerRegistration } from './event-handler.ts';
import { HandlerSet } from './handler-set.ts';
import { Indexer } from './indexer.ts';
import type { Entry } from './lister.ts';

/** A handler that holds a world of its own, and fails where what it is told doesn't fit to that. */
function follower(wait: () => unknown) {
  const world = new Map<string, string>();
  const wrong: string[] = [];
  const expects = (key: string, before: string | undefined): void => {
    if (world.get(key) !== before) wrong.push(`${key} is ${world.get(key)}, and told as ${before}`);
  };
  const handler: EventHandler<string> = {
    add: (object, { key }) => (expects(key, undefined), world.set(key, object), wait()),
    update: (old, object, { key }) => (expects(key, old), world.set(key, object), wait()),
    delete: (_, { key }) => {
      if (!world.delete(key)) wrong.push(`${key} is deleted, and was not there`);
      return wait();
    },
  };
  return { handler, world, wrong };
}

it('I-99: a handler that joins, lags and is held on the way sees each object added, updated and deleted in turn (15 seeds)', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const random = seededRandom(seed);
    const one = (count: number): number => Math.floor(random.next() * count);
    const clock = new FakeClock();
    const cache = new Indexer<string>();
    const failures: unknown[] = [];
    const onError = (error: unknown): void => void failures.push(error);
    const set = new HandlerSet<string>({ clock, random, slice: new TimeSlice(clock), cache, onError });
    let revision = 1n;
    const change = (): CacheChange<string>[] => {
      const key = `k${one(12)}`;
      const before = cache.entry(key);
      revision++;
      const createRevision = before && one(3) > 0 ? before.createRevision : revision;
      const gone = before && one(4) === 0;
      const object = `${one(5) === 0 ? 'hidden' : 'seen'} ${revision}`;
      const after: Entry<string> | undefined = gone
        ? undefined
        : { key, object, createRevision, modRevision: revision };
      if (after) cache.set(after);
      else cache.delete(key);
      return [...changesBetween(before, cache.entry(key), revision)];
    };
    for (let at = 0; at < 15; at++) change();
    const followers = [0, 1, 2].map((kind) => {
      const wait = (): unknown => (kind === 0 || one(2) === 0 ? undefined : settle());
      const filter = (object: string): boolean => kind !== 2 || object.startsWith('seen');
      return { ...follower(wait), filter };
    });
    const joined: HandlerRegistration[] = [];
    for (let step = 0; step < 60; step++) {
      const joining = followers[step / 15 - 1];
      if (joining) joined.push(set.add(joining.handler, cache.entries(), one(2) === 0, { filter: joining.filter }));
      await set.tell([...change(), ...change()], one(2) === 0 || step > 50, new AbortController().signal);
      if (one(10) === 0) set.hold();
      if (one(4) === 0) set.release();
      if (one(3) === 0) await settle();
    }
    set.release();
    while (set.pending > 0) await settle();
    for (let turn = 0; turn < 5; turn++) await settle(); // for the calls of the last change
    for (const { world, wrong, filter } of followers) {
      const seen = cache.list().filter(filter).toSorted();
      expect([seed, wrong, [...world.values()].toSorted()]).toEqual([seed, [], seen]);
    }
    expect([joined.map(({ hasSynced }) => hasSynced), failures]).toEqual([[true, true, true], []]);
  }
});
