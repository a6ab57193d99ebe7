import { describe, expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import { type CauseInput, CAUSES_MAX, exponentialLimiter, WorkQueue } from './index.ts';

const update = (revision: bigint, before: unknown, after: unknown, object = 'default/web'): CauseInput => ({
  type: 'event',
  source: 'Website',
  object,
  change: 'update',
  revision,
  states: { before, after },
});

function queued() {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, rateLimiter: exponentialLimiter() });
  /** The causes that the next key is handed out with. */
  const next = () => queue.heldCauses(queue.tryGet()!);
  return { clock, queue, next };
}

describe('causes', () => {
  it('I-184: go from the add to the hand-out, in the order in which each first came', () => {
    const { queue, next } = queued();
    queue.add('a', { cause: { type: 'manual' } });
    queue.add('a', { cause: { type: 'event', source: 'Website', object: 'a', change: 'delete', revision: 4n } });
    queue.add('b');
    expect(next()).toEqual([
      { type: 'manual', count: 1 },
      { type: 'event', source: 'Website', object: 'a', change: 'delete', revision: 4n, count: 1 },
    ]);
    expect(next()).toEqual([]);
    queue.done('a');
    expect(queue.heldCauses('a')).toEqual([]);
  });

  it('I-184: merge where they differ in revision and states alone: the newest revision, and all that changed since the first', () => {
    const { queue, next } = queued();
    queue.add('a', { cause: update(5n, { spec: { n: 1, m: 1 } }, { spec: { n: 2, m: 1 } }) });
    queue.add('a', { cause: update(8n, { spec: { n: 2, m: 1 } }, { spec: { n: 2, m: 2 } }) });
    const [cause, ...others] = next();
    expect(cause).toMatchObject({ revision: 8n, paths: ['spec.n', 'spec.m'], count: 2 });
    expect([others, 'states' in cause!]).toEqual([[], false]);
  });

  it('I-184: a field that changed there and back between two looks is no change', () => {
    const { queue, next } = queued();
    queue.add('a', { cause: update(5n, { n: 1 }, { n: 2 }) });
    queue.add('a', { cause: update(6n, { n: 2 }, { n: 1 }) });
    expect(next()).toMatchObject([{ paths: [], count: 2 }]);
  });

  it('I-184: keep the paths that were told before, when more comes after a look', () => {
    const { queue, next } = queued();
    queue.add('a', { cause: update(5n, { n: 1, m: 1 }, { n: 2, m: 1 }) });
    expect(queue.look('a')!.causes).toMatchObject([{ paths: ['n'] }]);
    queue.add('a', { cause: update(6n, { n: 2, m: 1 }, { n: 2, m: 2 }) });
    expect(queue.look('a')!.causes).toMatchObject([{ paths: ['n', 'm'] }]);
    expect(next()).toMatchObject([{ paths: ['n', 'm'], revision: 6n, count: 2 }]);
  });

  it('I-184: are told apart by type, source, object and change', () => {
    const { queue, next } = queued();
    const event = { type: 'event', source: 'Website', object: 'a', change: 'add' } as const;
    const different: readonly CauseInput[] = [
      event,
      { ...event, type: 'resync' },
      { ...event, source: 'Server' },
      { ...event, object: 'b' },
      { ...event, change: 'update' },
    ];
    for (const cause of [...different, ...different]) queue.add('a', { cause });
    expect(next()).toStrictEqual(different.map((cause) => ({ ...cause, count: 2 })));
  });

  it('I-184: keep what a later one does not say, and have no field that says nothing', () => {
    const { queue, next } = queued();
    queue.add('a', { cause: { type: 'retry', failure: 3, revision: 7n } });
    queue.add('a', { cause: { type: 'retry' } });
    queue.add('a', { cause: { type: 'manual' } });
    expect(next()).toStrictEqual([
      { type: 'retry', revision: 7n, failure: 3, count: 2 },
      { type: 'manual', count: 1 },
    ]);
  });

  it('I-184: keep paths that were told, when what comes after a look says nothing of fields, and eight of them', () => {
    const { queue, next } = queued();
    const states = (at: number, names: readonly string[]) => Object.fromEntries(names.map((name) => [name, at]));
    const [first, later] = [Array.from({ length: 6 }, (_, i) => `a${i}`), Array.from({ length: 6 }, (_, i) => `b${i}`)];
    queue.add('a', { cause: update(5n, states(1, first), states(2, first)) });
    expect(queue.look('a')!.causes[0]!.paths).toEqual(first);
    const { states: _none, ...without } = update(6n, {}, {});
    queue.add('a', { cause: without });
    expect(queue.look('a')!.causes[0]!.paths).toEqual(first);
    queue.add('a', { cause: update(7n, states(1, later), states(2, later)) });
    expect(next()[0]!.paths).toEqual([...first, 'b0', 'b1']);
  });

  it('I-184: that there was no room for are counted on when a key is put back', () => {
    const { queue, next } = queued();
    const flood = (from: number) => {
      for (let i = from; i < from + 10; i++) queue.add('a', { cause: { type: 'event', object: `o${i}` } });
    };
    flood(0);
    next();
    flood(100);
    queue.putBack('a', 0);
    const causes = next();
    expect(causes.map(({ count }) => count).reduce((sum, count) => sum + count)).toBe(20);
    expect(causes.at(-1)).toStrictEqual({ type: 'more', count: 12 });
  });

  it('I-184: are eight at most; what there is no room for is counted', () => {
    const { queue, next } = queued();
    for (let i = 0; i < 20; i++) queue.add('a', { cause: { type: 'event', object: `o${i}` } });
    const causes = next();
    expect(causes).toHaveLength(CAUSES_MAX + 1);
    expect(causes.at(-1)).toEqual({ type: 'more', count: 12 });
  });

  it('I-184: of an add while the key is held are those of the next hand-out', () => {
    const { queue, next } = queued();
    queue.add('a', { cause: { type: 'manual' } });
    expect(next()).toMatchObject([{ type: 'manual' }]);
    queue.add('a', { cause: { type: 'resync' } });
    expect(queue.heldCauses('a')).toMatchObject([{ type: 'manual' }]);
    queue.done('a');
    expect(next()).toMatchObject([{ type: 'resync' }]);
  });

  it('I-184: of a delayed add go with the key, and count failures', async () => {
    const { clock, queue, next } = queued();
    queue.addRateLimited('a', { cause: { type: 'retry', failure: 1 } });
    queue.addAfter('a', 3, { cause: { type: 'retry', failure: 2 } });
    await clock.advance(3);
    expect(next()).toEqual([{ type: 'retry', failure: 2, count: 2 }]);
  });

  it('I-184: tell fields by their paths and never by their values, eight at most', () => {
    const { queue, next } = queued();
    const wide = (value: string) => ({
      spec: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, value])),
    });
    queue.add('a', { cause: update(2n, wide('hunter2'), wide('hunter3')) });
    const causes = next();
    expect(causes[0]!.paths).toHaveLength(8);
    expect(
      JSON.stringify(causes, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toContain('hunter');
  });
});

describe('putting a key back', () => {
  it('keeps its priority, its causes and its age, for the time that was asked for', async () => {
    const { clock, queue, next } = queued();
    queue.add('a', { priority: -5, cause: { type: 'manual' } });
    await clock.advance(100);
    expect(next()).toHaveLength(1);
    queue.putBack('a', 50);
    expect(queue.look('a')).toMatchObject({ state: 'delayed', priority: -5, readyInMs: 50, ageMs: 100 });
    await clock.advance(50);
    expect(queue.look('a')).toMatchObject({ state: 'ready', priority: -5, causes: [{ type: 'manual', count: 1 }] });
  });

  it('joins what came while the key was held: the higher priority, all causes, and the earlier time', () => {
    const { queue } = queued();
    queue.add('a', { priority: -5, cause: { type: 'manual' } });
    queue.tryGet();
    queue.add('a', { priority: 3, cause: { type: 'manual' } });
    queue.putBack('a', 1000);
    expect(queue.look('a')).toMatchObject({ state: 'ready', priority: 3, causes: [{ type: 'manual', count: 2 }] });
    expect(queue.length).toBe(1);
  });

  it('keeps the highest priority also where one of them is the usual one, which nobody notes', () => {
    const { queue } = queued();
    queue.add('low', { priority: -5 });
    queue.add('usual');
    for (const key of ['usual', 'low']) expect(queue.tryGet()).toBe(key);
    queue.add('low');
    queue.add('usual', { priority: -5, cause: { type: 'manual' } });
    for (const key of ['low', 'usual']) queue.putBack(key, 0);
    expect(['low', 'usual'].map((key) => queue.look(key)!.priority)).toEqual([0, 0]);
  });

  it('is ready when its time has come, though an add that came meanwhile has a later one', async () => {
    const { clock, queue } = queued();
    for (const key of ['soon', 'now', 'later']) queue.add(key);
    for (const key of ['soon', 'now', 'later']) {
      queue.tryGet();
      queue.addAfter(key, key === 'later' ? 20 : 3_600_000);
    }
    queue.putBack('soon', 50);
    queue.putBack('now', 0);
    queue.putBack('later', 100);
    expect(['soon', 'now', 'later'].map((key) => queue.look(key)!.readyInMs)).toEqual([50, 0, 20]);
    // One that is ready waits for no later time besides.
    expect(queue.waiting).toBe(2);
    await clock.advance(3_600_000);
    expect([queue.length, queue.waiting]).toEqual([3, 0]);
  });

  it('has the age of the first add with a cause, also of one that came while it was held without any', async () => {
    const { clock, queue } = queued();
    queue.add('a', { priority: 5 });
    queue.tryGet();
    queue.add('a', { cause: { type: 'manual' } });
    await clock.advance(10);
    queue.putBack('a', 0);
    expect(queue.look('a')).toMatchObject({ priority: 5, ageMs: 10, causes: [{ type: 'manual', count: 1 }] });
  });

  it('for ever is until the next add, and at once is at the end of the queue', async () => {
    const { clock, queue } = queued();
    for (const key of ['a', 'b']) queue.add(key);
    queue.tryGet();
    queue.putBack('a', 0);
    expect([queue.tryGet(), queue.tryGet()]).toEqual(['b', 'a']);
    queue.putBack('a', Infinity);
    await clock.advance(1e9);
    expect([queue.length, queue.look('a')!.readyInMs]).toEqual([0, Infinity]);
    queue.add('a');
    expect(queue.tryGet()).toBe('a');
  });

  it('of a key that is not held, and after shutdown, does nothing but end the processing', () => {
    const { queue } = queued();
    queue.putBack('x', 10);
    expect(queue.look('x')).toBeUndefined();
    queue.add('a');
    queue.tryGet();
    expect(() => queue.putBack('a', Number.NaN)).toThrow('Invalid');
    queue.shutDown();
    queue.putBack('a', 0);
    expect([queue.processing, queue.length, queue.waiting]).toEqual([0, 0, 0]);
  });
});

describe('looking into the queue', () => {
  it('I-188: inspect lists every key once, with its state, priority, failures, time, age and causes', async () => {
    const { clock, queue } = queued();
    queue.add('held', { cause: { type: 'manual' } });
    queue.tryGet();
    await clock.advance(10);
    queue.add('held', { priority: 4, cause: { type: 'resync' } });
    queue.add('ready', { priority: 2, cause: { type: 'manual' } });
    queue.addRateLimited('delayed', { cause: { type: 'retry', failure: 1 } });
    await clock.advance(1);
    expect(queue.inspect()).toEqual([
      {
        key: 'held',
        state: 'processing',
        priority: 4,
        failures: 0,
        readyInMs: 0,
        ageMs: 1,
        causes: [{ type: 'resync', count: 1 }],
      },
      {
        key: 'ready',
        state: 'ready',
        priority: 2,
        failures: 0,
        readyInMs: 0,
        ageMs: 1,
        causes: [{ type: 'manual', count: 1 }],
      },
      {
        key: 'delayed',
        state: 'delayed',
        priority: 0,
        failures: 1,
        readyInMs: 4,
        ageMs: 1,
        causes: [{ type: 'retry', failure: 1, count: 1 }],
      },
    ]);
    expect(queue.inspect(2).map(({ key }) => key)).toEqual(['held', 'ready']);
    expect(queue.inspect(0)).toEqual([]);
  });

  it('I-188: says of a held key that nothing wants what it was handed out with', () => {
    const { queue } = queued();
    queue.add('a', { priority: 3, cause: { type: 'manual' } });
    queue.tryGet();
    expect(queue.look('a')).toMatchObject({ state: 'processing', priority: 3, readyInMs: undefined, ageMs: 0 });
    queue.addAfter('a', 70);
    expect(queue.look('a')).toMatchObject({ state: 'processing', readyInMs: 70 });
    expect(queue.inspect()).toHaveLength(1);
    queue.done('a');
    expect(queue.look('never')).toBeUndefined();
  });
});
