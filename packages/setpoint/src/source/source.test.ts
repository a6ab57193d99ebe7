import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ObjectRef } from '../client/index.ts';
import { SetpointError } from '../errors/index.ts';
import { createInformer, type EventHandler } from '../informer/index.ts';
import { deferred } from '../internal/deferred.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import type { AddNotes } from '../workqueue/index.ts';
import { type Codec, defineResource, jsonCodec, type ObjectMeta, type OwnerReference } from '../resource/index.ts';
import { informerSource, type InformerSourceOptions, type ObservedInformer } from './informer-source.ts';
import { observableSource } from './observable-source.ts';
import {
  and,
  annotationsChanged,
  type Change,
  generationChanged,
  inNamespaces,
  labelsChanged,
  labelsMatch,
  not,
  onlyChanges,
  or,
  type Predicate,
  resourceVersionChanged,
  statusChanged,
} from './predicate.ts';
import { memoryStore, type Store } from '../store/index.ts';
import type { SourceFailure } from './source.ts';
import { timerSource, type TimerSourceOptions } from './timer-source.ts';
import { enqueueMapped, enqueueObject, enqueueOwner, type ToKeys } from './to-keys.ts';

interface Thing {
  readonly metadata: ObjectMeta;
}

const thing = (name: string, metadata: Partial<ObjectMeta> = {}): Thing => ({
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
});

const ownedBy = (...references: Partial<OwnerReference>[]): Partial<ObjectMeta> => ({
  ownerReferences: references.map((reference) => ({
    apiVersion: 'demo.dev/v1',
    kind: 'Website',
    name: 'web',
    uid: 'u',
    controller: true,
    ...reference,
  })),
});

const info = { key: 'default/thing', revision: 1n };

/** An informer of which the test is the cache. */
async function fed(toKeys: ToKeys<Thing>, options: InformerSourceOptions<Thing> = {}) {
  let handler!: EventHandler<Thing>;
  let removed = 0;
  const informer: ObservedInformer<Thing> = {
    name: 'things',
    addEventHandler(given) {
      handler = given;
      const whenSynced = () => Promise.resolve();
      return { name: 'x', hasSynced: true, pending: 0, whenSynced, remove: () => void removed++ };
    },
    on: () => () => {},
  };
  const keys: string[] = [];
  const failures: SourceFailure[] = [];
  const abort = new AbortController();
  const sink = {
    enqueue: (key: string) => void keys.push(key),
    report: (_error: unknown, during: SourceFailure) => void failures.push(during),
  };
  await informerSource(informer, toKeys, options).start(sink, abort.signal);
  const take = (): string[] => keys.splice(0);
  return { handler, take, failures, abort, removed: () => removed };
}

async function timed(options: Omit<TimerSourceOptions, 'clock'>, wallStart?: number) {
  const clock = new FakeClock(wallStart);
  const rounds: (readonly [number, string])[] = [];
  const failures: SourceFailure[] = [];
  const abort = new AbortController();
  const sink = {
    enqueue: (key: string) => void rounds.push([clock.now(), key]),
    report: (_error: unknown, during: SourceFailure) => void failures.push(during),
  };
  await timerSource({ ...options, clock }).start(sink, abort.signal);
  return { clock, rounds, failures, abort };
}

const Website = defineResource({
  group: 'demo.dev',
  version: 'v2',
  kind: 'Website',
  plural: 'websites',
  spec: z.object({}),
});
const Zone = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Zone',
  plural: 'zones',
  scope: 'Cluster',
  spec: z.object({}),
});

describe('enqueueObject', () => {
  it('enqueues the key of every add, update and delete, once each', async () => {
    const { handler, take } = await fed(enqueueObject);
    handler.add!(thing('thing'), { ...info, inInitialList: true });
    expect(take()).toEqual(['default/thing']);
    handler.update!(thing('thing'), thing('thing'), info);
    expect(take()).toEqual(['default/thing']);
    handler.delete!(thing('thing'), info);
    expect(take()).toEqual(['default/thing']);
  });

  it('stops with its signal', async () => {
    const { abort, removed } = await fed(enqueueObject);
    expect(removed()).toBe(0);
    abort.abort();
    expect(removed()).toBe(1);
  });
});

describe('enqueueOwner', () => {
  it('I-66: on an update enqueues the old and the new owner, once each', async () => {
    const { handler, take } = await fed(enqueueOwner({ owner: Website }));
    handler.update!(thing('t', ownedBy({ name: 'a' })), thing('t', ownedBy({ name: 'b' })), info);
    expect(take()).toEqual(['default/a', 'default/b']);
    handler.update!(thing('t', ownedBy({ name: 'a' })), thing('t', ownedBy({ name: 'a' })), info);
    expect(take()).toEqual(['default/a']);
  });

  it('I-66: matches group and kind, whatever the version', async () => {
    const { handler, take } = await fed(enqueueOwner({ owner: Website }));
    const add = (reference: Partial<OwnerReference>): void =>
      void handler.add!(thing('t', ownedBy(reference)), { ...info, inInitialList: false });
    add({ apiVersion: 'demo.dev/v7' });
    expect(take()).toEqual(['default/web']);
    add({ apiVersion: 'other.dev/v1' });
    add({ apiVersion: 'v1' });
    add({ kind: 'Server' });
    expect(take()).toEqual([]);
  });

  it('I-66: a cluster-scoped owner has no namespace', async () => {
    const { handler, take } = await fed(enqueueOwner({ owner: Zone }));
    handler.delete!(thing('t', ownedBy({ kind: 'Zone', name: 'eu' })), info);
    expect(take()).toEqual(['eu']);
  });

  it('enqueues the managing owner only, or all when asked', async () => {
    const both = ownedBy({ name: 'a', controller: false }, { name: 'b' });
    const managing = await fed(enqueueOwner({ owner: Website }));
    managing.handler.delete!(thing('t', both), info);
    expect(managing.take()).toEqual(['default/b']);
    const all = await fed(enqueueOwner({ owner: Website, controllerOnly: false }));
    all.handler.delete!(thing('t', both), info);
    expect(all.take()).toEqual(['default/a', 'default/b']);
  });
});

describe('enqueueMapped', () => {
  it('I-67: on an update runs on the old and the new state, and enqueues each key once', async () => {
    const map = ({ metadata }: Thing): ObjectRef[] => [
      'default/both',
      { namespace: 'n', name: metadata.labels!['site']! },
    ];
    const { handler, take } = await fed(enqueueMapped(map));
    handler.update!(thing('t', { labels: { site: 'a' } }), thing('t', { labels: { site: 'b' } }), info);
    expect(take()).toEqual(['default/both', 'n/a', 'n/b']);
  });

  it('F-106: a mapper that throws for one state still gives the keys of the other, and is reported', async () => {
    const { handler, take, failures } = await fed(
      enqueueMapped((object) => {
        if (object.metadata.name === 'bad') throw new Error('mapper');
        return [object];
      }),
    );
    handler.update!(thing('bad'), thing('good'), info);
    handler.update!(thing('good'), thing('bad'), info);
    expect(take()).toEqual(['default/good', 'default/good']);
    expect(failures).toEqual([1, 2].map(() => ({ source: 'things', stage: 'keys', key: 'default/thing' })));
  });

  it('F-106: a reference that can be none costs no other its key, in mappers, owners and timers, and is reported', async () => {
    const refs: ObjectRef[] = [{ name: 'a' }, { name: 'No Name' }, undefined as never, { name: 'b' }];
    const mapped = await fed(enqueueMapped(() => refs));
    mapped.handler.delete!(thing('t'), info);
    expect([mapped.take(), mapped.failures.length]).toEqual([['a', 'b'], 1]);
    const owned = await fed(enqueueOwner({ owner: Website, controllerOnly: false }));
    owned.handler.delete!(thing('t', ownedBy({ name: 'a' }, { name: 'No Name' }, { name: 'b' })), info);
    expect([owned.take(), owned.failures.length]).toEqual([['default/a', 'default/b'], 1]);
    const timer = await timed({ everyMs: 10, keys: () => refs });
    await timer.clock.advance(10);
    expect([timer.rounds.map(([, key]) => key), timer.failures.length]).toEqual([['a', 'b'], 1]);
    timer.abort.abort();
  });

  it('F-106: a mapper that throws on its way has given the keys before', async () => {
    const { handler, take, failures } = await fed(
      enqueueMapped(function* () {
        yield 'default/a';
        throw new Error('mapper');
      }),
    );
    handler.delete!(thing('t'), info);
    expect([take(), failures.length]).toEqual([['default/a'], 1]);
  });

  it('I-68: a deletion is mapped by its last known object; without one it is reported and dropped, not thrown', async () => {
    const { handler, take, failures } = await fed(enqueueMapped((object) => [object]));
    handler.delete!(thing('last'), info);
    handler.delete!(undefined as never, info);
    expect(take()).toEqual(['default/last']);
    expect(failures).toHaveLength(1);
  });
});

describe('predicates', () => {
  const update = (before: Partial<ObjectMeta>, after: Partial<ObjectMeta>): Change<Thing> => ({
    type: 'update',
    old: thing('t', before),
    object: thing('t', after),
  });
  const yes = () => true;
  const no = () => false;
  const add: Change<Thing> = { type: 'add', object: thing('t'), inInitialList: false };

  it('I-69: generationChanged passes creates and deletes, and updates of the spec only', () => {
    expect(generationChanged(add)).toBe(true);
    expect(generationChanged({ type: 'delete', object: thing('t') })).toBe(true);
    expect(generationChanged(update({ generation: 1 }, { generation: 2 }))).toBe(true);
    expect(generationChanged(update({ labels: { a: 'b' } }, { resourceVersion: '2' }))).toBe(false);
    expect(generationChanged(update({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toBe(true);
  });

  it('labelsChanged and annotationsChanged pass what they say', () => {
    expect(labelsChanged(update({ labels: { a: '1' } }, { labels: { a: '1' }, generation: 9 }))).toBe(false);
    expect(labelsChanged(update({ labels: { a: '1' } }, { labels: { a: '2' } }))).toBe(true);
    expect(annotationsChanged(update({}, { annotations: { a: '2' } }))).toBe(true);
    expect(annotationsChanged(update({ annotations: { a: '2' } }, { annotations: { a: '2' } }))).toBe(false);
  });

  it('I-69: and, or and not compose', () => {
    expect([and(yes, no)(add), and(yes, yes)(add), and()(add)]).toEqual([false, true, true]);
    expect([or(yes, no)(add), or(no, no)(add), or()(add)]).toEqual([true, false, false]);
    expect([not(yes)(add), not(and(or(no, yes), not(no)))(add)]).toEqual([false, false]);
  });

  it('what a predicate blocks enqueues nothing', async () => {
    const { handler, take } = await fed(enqueueObject, { predicate: generationChanged });
    handler.update!(thing('t'), thing('t'), info);
    expect(take()).toEqual([]);
    handler.update!(thing('t'), thing('t', { generation: 2 }), info);
    expect(take()).toEqual(['default/thing']);
  });

  it('F-106: one that throws lets the change pass, also from within and, or, not', async () => {
    const broken = (): boolean => {
      throw new Error('predicate');
    };
    for (const predicate of [broken, not(broken), and(yes, broken), or(no, broken)]) {
      const { handler, take, failures } = await fed(enqueueObject, { predicate });
      handler.delete!(thing('t'), info);
      expect(take()).toEqual(['default/thing']);
      expect(failures).toEqual([{ source: 'things', stage: 'predicate', key: 'default/thing' }]);
    }
  });
});

describe('priorities and causes of events', () => {
  async function noted(feed: (handler: EventHandler<Thing>) => void): Promise<readonly (AddNotes | undefined)[]> {
    let handler!: EventHandler<Thing>;
    const informer: ObservedInformer<Thing> = {
      name: 'things',
      addEventHandler: (given) => {
        handler = given;
        return { name: 'x', hasSynced: true, pending: 0, whenSynced: () => Promise.resolve(), remove: () => {} };
      },
      on: () => () => {},
    };
    const notes: (AddNotes | undefined)[] = [];
    const sink = { enqueue: (_key: string, given?: AddNotes) => void notes.push(given), report: () => {} };
    await informerSource(informer, enqueueObject).start(sink, new AbortController().signal);
    feed(handler);
    return notes;
  }

  it('I-48: what was there already, and updates that changed nothing, come at -100; a real change at 0', async () => {
    const notes = await noted((handler) => {
      handler.add!(thing('t'), { ...info, inInitialList: true });
      handler.update!(thing('t'), thing('t'), info);
      handler.add!(thing('t'), { ...info, inInitialList: false });
      handler.update!(thing('t'), thing('t', { resourceVersion: '2' }), info);
      handler.delete!(thing('t'), info);
    });
    expect(notes.map((note) => note?.priority ?? 0)).toEqual([-100, -100, 0, 0, 0]);
  });

  it('I-184: every event says which object changed, how, and at which revision', async () => {
    const notes = await noted((handler) => {
      handler.add!(thing('t'), { ...info, inInitialList: true });
      handler.update!(thing('t'), thing('t', { resourceVersion: '2' }), { key: 'default/thing', revision: 2n });
      handler.update!(thing('t'), thing('t'), info);
      handler.delete!(thing('t'), { key: 'default/thing', revision: 3n });
    });
    const same = { source: 'things', object: 'default/thing' };
    expect(notes.map((note) => note!.cause)).toMatchObject([
      { ...same, type: 'event', change: 'initial', revision: 1n },
      { ...same, type: 'event', change: 'update', revision: 2n },
      { ...same, type: 'resync', change: 'update' },
      { ...same, type: 'event', change: 'delete', revision: 3n },
    ]);
  });
});

describe('timerSource', () => {
  it('enqueues its keys each time the interval has passed, until its signal aborts', async () => {
    const { clock, rounds, abort } = await timed({ everyMs: 60_000, keys: () => ['default/a', { name: 'b' }] });
    await clock.advance(120_000);
    expect(rounds).toEqual([60_000, 60_000, 120_000, 120_000].map((at, index) => [at, index % 2 ? 'b' : 'default/a']));
    abort.abort();
    expect(clock.pendingTimers).toBe(0);
  });

  it('follows a cron expression in UTC', async () => {
    const { clock, rounds, abort } = await timed(
      { cron: '*/20 3 * * 1-5', keys: () => ['k'] },
      Date.UTC(2026, 0, 2, 3, 5),
    );
    await clock.advance(4 * 24 * 3_600_000);
    const times = rounds.map(([at]) => new Date(Date.UTC(2026, 0, 2, 3, 5) + at).toISOString().slice(5, 16));
    expect(times).toEqual(['01-02T03:20', '01-02T03:40', '01-05T03:00', '01-05T03:20', '01-05T03:40', '01-06T03:00']);
    abort.abort();
  });

  it('makes one round of a cron time, though its timer fires early or the wall clock is set back', async () => {
    const { clock, rounds, abort } = await timed({ cron: '20 3 * * *', keys: () => ['k'] }, Date.UTC(2026, 0, 2, 3, 5));
    await clock.advance(10 * 60_000);
    clock.jumpWall(-90_000);
    await clock.advance(3_600_000);
    expect(rounds).toEqual([[16.5 * 60_000, 'k']]);
    abort.abort();
  });

  it('makes no second round of a cron time when the wall clock is set back right after the first', async () => {
    const { clock, rounds, abort } = await timed({ cron: '20 3 * * *', keys: () => ['k'] }, Date.UTC(2026, 0, 2, 3, 5));
    await clock.advance(15 * 60_000 + 1000);
    for (let times = 0; times < 3; times++) {
      clock.jumpWall(-90_000);
      await clock.advance(100_000);
    }
    expect(rounds).toEqual([[15 * 60_000, 'k']]);
    abort.abort();
  });

  it('F-93: a wall clock that was hours ahead and is set right does not keep the rounds waiting', async () => {
    const hour = 3_600_000;
    const { clock, rounds, abort } = await timed(
      { cron: '0 * * * *', keys: () => ['k'] },
      Date.UTC(2026, 0, 2, 20, 30),
    );
    await clock.advance(10 * 60_000);
    clock.jumpWall(-8 * hour);
    await clock.advance(2 * hour);
    expect(rounds.map(([at]) => at / 60_000)).toEqual([30, 90]);
    abort.abort();
  });

  it('ends with its signal also when its own keys led to the abort', async () => {
    let stop = (): void => {};
    const keys = (): string[] => {
      stop();
      return ['k'];
    };
    const { clock, rounds, abort } = await timed({ everyMs: 10, keys });
    stop = () => abort.abort();
    await clock.advance(100);
    expect([rounds.length, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('F-106: keys that throw are reported, and the next round comes all the same', async () => {
    const { clock, failures, abort } = await timed({
      everyMs: 10,
      keys: () => {
        throw new Error('keys');
      },
    });
    await clock.advance(25);
    expect(failures).toEqual([1, 2].map(() => ({ source: 'timer', stage: 'keys' })));
    abort.abort();
  });

  it.each([
    [{}, /either everyMs or cron/],
    [{ everyMs: 5, cron: '* * * * *' }, /either everyMs or cron/],
    [{ everyMs: 0 }, /everyMs.*got 0/],
    [{ everyMs: Number.NaN }, /everyMs.*NaN/],
    [{ cron: '* * * *' }, /4 fields/],
    [{ cron: '60 * * * *' }, /minute '60'/],
    [{ cron: '* * 0 * *' }, /day of the month '0'/],
    [{ cron: '*/0 * * * *' }, /minute/],
    [{ cron: 'x * * * *' }, /minute 'x'/],
    [{ cron: '0 0 30 2 *' }, /no day matches/],
  ])('refuses %o', (options, message) => {
    expect(() => timerSource({ ...options, keys: () => [] })).toThrow(message);
  });
});

describe('more predicates', () => {
  const changed = (before: Partial<ObjectMeta>, after: Partial<ObjectMeta>): Change<Thing> => ({
    type: 'update',
    old: thing('t', before),
    object: thing('t', after),
  });

  it('I-69: resourceVersionChanged, labelsMatch, inNamespaces and onlyChanges pass what they say', () => {
    expect(resourceVersionChanged(changed({}, {}))).toBe(false);
    expect(resourceVersionChanged(changed({}, { resourceVersion: '2' }))).toBe(true);
    const front = labelsMatch('tier=front');
    expect(front(changed({ labels: { tier: 'front' } }, {}))).toBe(true);
    expect(front(changed({}, { labels: { tier: 'back' } }))).toBe(false);
    expect(front({ type: 'delete', object: thing('t', { labels: { tier: 'front' } }) })).toBe(true);
    expect(inNamespaces('a', 'default')(changed({}, {}))).toBe(true);
    expect(inNamespaces('a')(changed({}, {}))).toBe(false);
    expect(onlyChanges('delete')(changed({}, {}))).toBe(false);
    expect(onlyChanges('update', 'add')(changed({}, {}))).toBe(true);
  });

  it('I-69: statusChanged passes the updates that changed the status', () => {
    const status = (ready: number): { readonly status: object } => ({ status: { ready } });
    expect(statusChanged({ type: 'update', old: status(1), object: status(1) })).toBe(false);
    expect(statusChanged({ type: 'update', old: status(1), object: status(2) })).toBe(true);
    expect(statusChanged({ type: 'delete', object: status(1) })).toBe(true);
  });
});

describe('observableSource', () => {
  async function observed() {
    const subject = new Subject<ObjectRef>();
    const keys: string[] = [];
    const failures: SourceFailure[] = [];
    const abort = new AbortController();
    await observableSource(subject, { name: 'webhooks' }).start(
      { enqueue: (key) => void keys.push(key), report: (_error, during) => void failures.push(during) },
      abort.signal,
    );
    return { subject, keys, failures, abort };
  }

  it('enqueues keys, names and objects, until its signal aborts', async () => {
    const { subject, keys, abort } = await observed();
    subject.next('default/a');
    subject.next({ name: 'b' });
    subject.next(thing('c'));
    abort.abort();
    subject.next('default/d');
    expect(keys).toEqual(['default/a', 'b', 'default/c']);
    expect(subject.observed).toBe(false);
  });

  it('I-178: an Observable that fails, or emits what is no key, is reported and throws nowhere', async () => {
    const { subject, keys, failures } = await observed();
    subject.next(undefined as never);
    subject.next('default/a');
    subject.error(new Error('gone'));
    expect(keys).toEqual(['default/a']);
    expect(failures).toEqual([
      { source: 'webhooks', stage: 'keys' },
      { source: 'webhooks', stage: 'observable' },
    ]);
  });

  it('I-178: one that throws when it is let go of is reported too', async () => {
    const abort = new AbortController();
    const failures: unknown[] = [];
    const sink = { enqueue: () => {}, report: (error: unknown) => void failures.push(error) };
    const failing = {
      unsubscribe: () => {
        throw new Error('teardown');
      },
    };
    await observableSource({ subscribe: () => failing }).start(sink, abort.signal);
    abort.abort();
    expect(failures).toEqual([new Error('teardown')]);
  });

  it('I-178: one that throws on subscription is reported too', async () => {
    const failures: SourceFailure[] = [];
    const broken = {
      subscribe: () => {
        throw new Error('no');
      },
    };
    const sink = { enqueue: () => {}, report: (_error: unknown, during: SourceFailure) => void failures.push(during) };
    await observableSource(broken).start(sink, new AbortController().signal);
    expect(failures).toEqual([{ source: 'observable', stage: 'observable' }]);
  });
});

describe('a backup of the store is restored', () => {
  async function restored(predicate?: Predicate<Thing>): Promise<readonly string[][]> {
    const clock = new FakeClock();
    const stores = [memoryStore({ clock }), memoryStore({ clock })] as const;
    const put = (store: Store, name: string, status?: object) =>
      store.put({ key: `/things/${name}`, value: JSON.stringify({ metadata: { name, generation: 1 }, status }) });
    for (const name of ['kept', 'lost', 'gone']) await put(stores[0], name, { seen: true });
    await put(stores[1], 'kept', { seen: true });
    await put(stores[1], 'lost');
    let current: Store = stores[0];
    const reset = deferred<never>();
    const store: Pick<Store, 'range' | 'watch'> = {
      range: (request, options) => current.range(request, options),
      async *watch(request, options) {
        if (current === stores[0]) await reset.promise;
        yield* current.watch(request, options);
      },
    };
    const informer = createInformer({ store, clock, prefix: '/things', codec: jsonCodec as Codec<Thing> });
    const abort = new AbortController();
    const run = informer.run(abort.signal);
    const keys: string[] = [];
    const sink = { enqueue: (key: string) => void keys.push(key), report: () => {} };
    const source = informerSource(informer, enqueueObject, predicate && { predicate });
    await source.start(sink, abort.signal);
    await settle();
    const before = keys.splice(0);
    current = stores[1];
    reset.reject(new SetpointError('HistoryReset', 'a backup was restored'));
    await clock.advance(100);
    const after = [...new Set(keys)];
    abort.abort();
    await run;
    return [before.toSorted(), after.toSorted()];
  }

  it('I-93: what a predicate holds back of what was lost is looked at all the same', async () => {
    expect(await restored(generationChanged)).toEqual([
      ['gone', 'kept', 'lost'],
      ['gone', 'kept', 'lost'],
    ]);
  });

  it('I-93: without a predicate every object is told of as changed anyway', async () => {
    expect((await restored())[1]).toEqual(['gone', 'kept', 'lost']);
  });
});
