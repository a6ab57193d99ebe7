import { describe, expect, it } from 'vitest';
import { errorOf, revisionOf, sampleClient, type Website } from '../../../../test/harness/sample-objects.ts';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { SetpointError } from '../errors/index.ts';
import { settle } from '../internal/fake-clock.ts';
import { memoryStore } from '../store/index.ts';
import type { ObjectEvent, WatchObjectsOptions } from './index.ts';

type Event = ObjectEvent<typeof Website>;

/** Gathers the events of a watch in the background. */
function gather(watch: AsyncIterable<Event>): { readonly events: Event[]; readonly over: Promise<unknown> } {
  const events: Event[] = [];
  const run = async (): Promise<void> => {
    for await (const event of watch) events.push(event);
  };
  const over = run().then(
    () => 'ended',
    (error: unknown) => error,
  );
  return { events, over };
}

const lines = (events: readonly Event[]): string[] =>
  events.map((event) => {
    if (event.type === 'BOOKMARK') return `BOOKMARK ${event.resourceVersion}`;
    if (event.type === 'UNREADABLE') return `UNREADABLE ${event.key}`;
    return `${event.type} ${event.object.metadata.name} ${event.object.spec.message}${event.initial === true ? ' (initial)' : ''}`;
  });

function watching(options: WatchObjectsOptions = {}) {
  const made = sampleClient();
  const stop = new AbortController();
  const start = () => gather(made.websites.watch({ ...options, signal: stop.signal }));
  return { ...made, start, stop };
}

describe('a watch of objects', () => {
  it('ends without an error also when its signal aborts while it lists', async () => {
    const stop = new AbortController();
    const store = interposedStore(memoryStore(), {
      range: () => {
        stop.abort();
        return Promise.reject(new SetpointError('Aborted', 'given up'));
      },
    });
    const { events, over } = gather(sampleClient({ store }).websites.watch({ signal: stop.signal }));
    expect([await over, events]).toEqual(['ended', []]);
  });

  it('tells what is there first, then what happens, each with the object as it was then', async () => {
    const { websites, start, stop } = watching();
    await websites.create({ name: 'a', spec: { message: 'one' } });
    const { events, over } = start();
    await settle();
    const a = await websites.modify('a', () => ({ spec: { message: 'two' } }));
    const deleted = await websites.delete('a');
    await websites.create({ name: 'b', spec: { message: 'three' } });
    await settle();
    expect(lines(events)).toEqual(['ADDED a one (initial)', 'MODIFIED a two', 'DELETED a two', 'ADDED b three']);
    expect(events[1]).toMatchObject({ object: a, resourceVersion: a.metadata.resourceVersion });
    stop.abort();
    expect(await over).toBe('ended');
    expect(deleted.metadata.uid).toBe(a.metadata.uid);
  });

  it('I-120: tells a delete at the revision of the deletion, with the last content', async () => {
    const { websites, start, store } = watching();
    await websites.create({ name: 'a', spec: { message: 'one' } });
    const { events } = start();
    await settle();
    const answered = await websites.delete('a');
    await settle();
    const at = String(await revisionOf(store));
    expect(events.at(-1)).toMatchObject({ type: 'DELETED', resourceVersion: at, object: { spec: { message: 'one' } } });
    expect(answered.metadata.resourceVersion).toBe(at);
    expect((events.at(-1) as { object: typeof answered }).object.metadata.resourceVersion).toBe(at);
  });

  it('goes on behind a list without a gap or a repetition', async () => {
    const { websites, client } = watching();
    await websites.create({ name: 'a', spec: { message: 'one' } });
    const { resourceVersion } = await websites.list();
    await websites.create({ name: 'b', spec: { message: 'two' } });
    const { events } = gather(client.resource(websites.definition).watch({ from: resourceVersion }));
    await settle();
    expect(lines(events)).toEqual(['ADDED b two']);
  });

  it('I-122: with a selector tells what starts to match as added and what stops to match as deleted', async () => {
    const { websites, start } = watching({ labelSelector: 'tier=front', fieldSelector: 'spec.message!=hidden' });
    const { events } = start();
    await settle();
    const a = await websites.create({ name: 'a', spec: { message: 'one' } });
    const shown = await websites.update(a, { labels: { tier: 'front' } });
    const changed = await websites.update(shown, { spec: { message: 'two' } });
    const hidden = await websites.update(changed, { spec: { message: 'hidden' } });
    const still = await websites.update(hidden, { labels: { tier: 'front', x: 'y' } });
    const again = await websites.update(still, { spec: { message: 'three' } });
    await websites.delete(again);
    await settle();
    expect(lines(events)).toEqual([
      'ADDED a one',
      'MODIFIED a two',
      'DELETED a two',
      'ADDED a three',
      'DELETED a three',
    ]);
    expect(events[2]).toMatchObject({ resourceVersion: hidden.metadata.resourceVersion });
  });

  it('I-121: ends with an error where the value before a change is forgotten, instead of telling less', async () => {
    const store = memoryStore();
    const forgetful = interposedStore(store, {
      async *watch(request, open) {
        for await (const { events, revision } of open(request)) {
          yield { revision, events: events.map(({ prevKv: _, ...event }) => event) };
        }
      },
    });
    const { websites } = sampleClient({ store: forgetful });
    const { events, over } = gather(websites.watch());
    await settle();
    await websites.create({ name: 'a', spec: { message: 'one' } });
    await websites.modify('a', () => ({ spec: { message: 'two' } }));
    expect(await over).toMatchObject({ code: 'Compacted', message: expect.stringContaining('List again') });
    expect(lines(events)).toEqual(['ADDED a one']);
  });

  it('fails with Compacted from a revision that is forgotten', async () => {
    const { websites, store } = watching();
    const { resourceVersion } = await websites.create({ name: 'a', spec: { message: 'one' } }).then((a) => a.metadata);
    await websites.modify('a', () => ({ spec: { message: 'two' } }));
    await websites.modify('a', () => ({ spec: { message: 'three' } }));
    await store.compact(await revisionOf(store));
    expect(await gather(websites.watch({ from: resourceVersion })).over).toMatchObject({ code: 'Compacted' });
  });

  it('tells what can not be read as such, and goes on', async () => {
    const { websites, start, store } = watching({ namespace: 'default' });
    const { events } = start();
    await settle();
    await store.put({ key: '/registry/websites/default/bad', value: 'nonsense' });
    await store.put({ key: '/registry/websites/defaults/other', value: 'nonsense' });
    await websites.create({ name: 'a', spec: { message: 'one' } });
    await store.delete({ key: '/registry/websites/default/bad' });
    await settle();
    expect(lines(events)).toEqual(['UNREADABLE /registry/websites/default/bad', 'ADDED a one']);
    expect(events[0]).toMatchObject({ error: { code: 'Invalid' } });
  });

  it('tells how far it is where asked to', async () => {
    const { websites, start } = watching({ bookmarks: true });
    const { events } = start();
    await settle();
    const a = await websites.create({ name: 'a', spec: { message: 'one' } });
    await settle();
    expect(lines(events)).toEqual(['ADDED a one', `BOOKMARK ${a.metadata.resourceVersion}`]);
  });

  it('refuses what makes no sense', async () => {
    const { websites } = sampleClient();
    const first = (options: WatchObjectsOptions) => errorOf(websites.watch(options)[Symbol.asyncIterator]().next());
    expect(await first({ from: 'now' })).toMatchObject({ code: 'Invalid', details: { path: 'from' } });
    expect(await first({ namespace: 'a/b' })).toMatchObject({ code: 'Invalid' });
    expect(await first({ labelSelector: 'a b' })).toMatchObject({ code: 'Invalid' });
  });
});

describe('the scale of objects', () => {
  it('is read and written whatever the kind, and leaves the rest alone', async () => {
    const { websites } = sampleClient();
    const web = await websites.create({ name: 'a', spec: { message: 'one', replicas: 2 } });
    expect(await websites.getScale('a')).toMatchObject({ replicas: 2, uid: web.metadata.uid });
    await websites.updateStatus(web, { ready: 1 });
    expect(await websites.scale('a', 5)).toMatchObject({ replicas: 5, readyReplicas: 1 });
    expect(await websites.get('a')).toMatchObject({
      spec: { message: 'one', replicas: 5 },
      metadata: { generation: 2 },
    });
  });

  it('is refused for kinds without one, and for what is no count, with nothing written', async () => {
    const { websites, nodes, store } = sampleClient();
    await websites.create({ name: 'a', spec: { message: 'one' } });
    await nodes.create({ name: 'n', spec: { address: 'here' } });
    const before = await revisionOf(store);
    for (const replicas of [-1, 1.5, Number.NaN, '3' as never]) {
      expect(await errorOf(websites.scale('a', replicas))).toMatchObject({
        code: 'Invalid',
        details: { path: 'replicas' },
      });
    }
    expect(await errorOf(nodes.scale('n', 1))).toMatchObject({ code: 'Invalid', details: { path: 'scale' } });
    expect(await errorOf(websites.scale('b', 1))).toMatchObject({ code: 'NotFound' });
    expect(await revisionOf(store)).toBe(before);
  });
});
