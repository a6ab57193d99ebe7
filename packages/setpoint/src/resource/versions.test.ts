import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { drive, errorOf, sampleClient } from '../../../../test/harness/sample-objects.ts';
import { createClient } from '../client/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { createManager, defineController } from '../runtime/index.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { conversion, defineResource, resourceJsonSchema, withVersions } from './index.ts';

const names = { group: 'demo.dev', kind: 'Greeting', plural: 'greetings' } as const;
const Old = defineResource({
  ...names,
  version: 'v1',
  spec: z.object({ message: z.string(), count: z.int().default(1), labels: z.array(z.string()).optional() }),
  status: z.object({ said: z.int() }),
});
const New = defineResource({
  ...names,
  version: 'v2',
  spec: z.object({
    greeting: z.object({ text: z.string(), lang: z.string().default('en') }),
    count: z.int().default(1),
    tags: z.array(z.object({ name: z.string(), color: z.string().nullable().default(null) })).optional(),
    loud: z.boolean().optional(),
  }),
  status: z.object({ said: z.int(), last: z.string().optional() }),
});
const withoutLast = <T extends { last?: unknown }>({ last: _, ...status }: T) => status;
const oldToNew = conversion(Old, New, {
  up: ({ spec: { message, labels, ...spec }, status }) => ({
    spec: { ...spec, greeting: { text: message }, ...(labels && { tags: labels.map((name) => ({ name })) }) },
    status,
  }),
  down: ({ spec: { greeting, tags, loud: _, ...spec }, status }) => ({
    spec: { ...spec, message: greeting.text, ...(tags && { labels: tags.map(({ name }) => name) }) },
    status: status && withoutLast(status),
  }),
});
const bound = (storage: typeof Old | typeof New) => withVersions([Old, New], { storage, conversions: [oldToNew] });

function both(storage: typeof Old | typeof New, store: Store = memoryStore()) {
  const [V1, V2] = bound(storage);
  const client = () => createClient({ store, clock: new FakeClock(), random: seededRandom(5) });
  return { store, V1, V2, old: client().resource(V1), next: client().resource(V2) };
}

const storedVersion = async (store: Store): Promise<string> => {
  const { kvs } = await store.range({ key: '/registry/greetings/default/hi' });
  return (JSON.parse(Buffer.from(kvs[0]!.value).toString()) as { apiVersion: string }).apiVersion;
};

describe.each([
  ['v1', Old],
  ['v2', New],
] as const)('a kind with two versions, stored as %s', (version, storage) => {
  it('is read in each version, whichever wrote it, and stored in one', async () => {
    const { old, next, store } = both(storage);
    await old.create({ name: 'hi', spec: { message: 'hello', labels: ['a'] } });
    expect(await storedVersion(store)).toBe(`demo.dev/${version}`);
    expect((await next.get('hi')).spec).toEqual({
      greeting: { text: 'hello', lang: 'en' },
      count: 1,
      tags: [{ name: 'a', color: null }],
    });
    await next.patch('hi', { spec: { greeting: { text: 'salut' } } });
    const read = await old.get('hi');
    expect(read).toMatchObject({ apiVersion: 'demo.dev/v1', spec: { message: 'salut', count: 1, labels: ['a'] } });
    expect(await storedVersion(store)).toBe(`demo.dev/${version}`);
  });

  it('is written again in the storage version, whatever version of its group its owner or its spec names', async () => {
    const { old, next, store } = both(storage);
    const other = both(storage === Old ? New : Old, store);
    const apiVersion = `demo.dev/${version}`;
    const ownerReferences = [{ apiVersion, kind: 'Greeting', name: 'owner', uid: 'u' }];
    await other.old.create({ name: 'hi', ownerReferences, spec: { message: `"apiVersion":"${apiVersion}"` } });
    expect(await storedVersion(store)).not.toBe(apiVersion);
    expect(await next.rewriteStale()).toBe(1);
    expect(await storedVersion(store)).toBe(apiVersion);
    expect(await old.rewriteStale()).toBe(0);
  });

  it('keeps what a version can not say while it writes, and takes an edit over it', async () => {
    const { old, next } = both(storage);
    const spec = { greeting: { text: 'hallo', lang: 'de' }, tags: [{ name: 'a', color: 'red' }], loud: true };
    await next.create({ name: 'hi', spec });
    await old.modify('hi', (current) => ({ spec: { ...current.spec, count: 7 } }));
    await old.modifyStatus('hi', () => ({ said: 3 }));
    expect(await next.get('hi')).toMatchObject({ spec: { ...spec, count: 7 }, status: { said: 3 } });
    await old.patch('hi', { spec: { labels: ['b'] } });
    const edited = (await next.get('hi')).spec;
    expect(edited.tags).toEqual([{ name: 'b', color: null }]);
    expect(edited.greeting).toEqual({ text: 'hallo', lang: 'de' });
  });

  it('loses nothing over any number of writes by either version', async () => {
    const text = fc.string({ maxLength: 5 });
    const write = fc.oneof(
      fc.record({ by: fc.constant('new' as const), lang: text, color: fc.option(text) }),
      fc.record({ by: fc.constant('old' as const), count: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 6 }), async (writes) => {
        const { old, next } = both(storage);
        let expected = {
          greeting: { text: 't', lang: 'en' },
          count: 1,
          tags: [{ name: 'n', color: null as string | null }],
        };
        await next.create({ name: 'hi', spec: expected });
        for (const each of writes) {
          if (each.by === 'old') {
            expected = { ...expected, count: each.count };
            await old.modify('hi', ({ spec }) => ({ spec: { ...spec, count: each.count } }));
          } else {
            const { lang, color } = each;
            expected = { ...expected, greeting: { ...expected.greeting, lang }, tags: [{ name: 'n', color }] };
            await next.modify('hi', ({ spec }) => ({
              spec: { ...spec, greeting: { ...spec.greeting, lang }, tags: [{ name: 'n', color }] },
            }));
          }
          expect((await next.get('hi')).spec).toEqual(expected);
          expect((await old.get('hi')).spec).toEqual({ message: 't', count: expected.count, labels: ['n'] });
        }
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it('writes nothing where nothing changes', async () => {
    const { old, next } = both(storage);
    const made = await next.create({ name: 'hi', spec: { greeting: { text: 'x', lang: 'fr' } } });
    const same = await old.modify('hi', ({ spec }) => ({ spec: { ...spec } }));
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  });
});

describe('an upgrade', () => {
  it('moves the storage version by rewriting what is stale', async () => {
    const store = memoryStore();
    const before = both(Old, store);
    await before.next.create({ name: 'hi', spec: { greeting: { text: 'x', lang: 'fr' } } });
    const after = both(New, store);
    expect(await after.next.rewriteStale()).toBe(1);
    expect(await storedVersion(store)).toBe('demo.dev/v2');
    expect(await after.next.rewriteStale()).toBe(0);
    expect((await before.next.get('hi')).spec.greeting).toEqual({ text: 'x', lang: 'fr' });
  });

  it('F-116: under load, with controllers of both versions at work, loses nothing, and each sees its own', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const [V1, V2] = bound(Old);
    const [V1Later, V2Later] = bound(New);
    const seen = { old: new Set<string>(), next: new Set<string>() };
    const oldController = defineController(V1, {
      reconcile: async ({ object, status }) => {
        seen.old.add(typeof object.spec.message);
        await status({ said: object.spec.count });
      },
    });
    const newController = (kind: typeof V2) =>
      defineController(kind, {
        reconcile: ({ object }) => void seen.next.add(typeof object.spec.greeting.text),
      });
    const options = { store, clock, random: seededRandom(9) };
    const stop = new AbortController();
    const running = [
      createManager({ ...options, controllers: [oldController] }).run(stop.signal),
      createManager({ ...options, controllers: [newController(V2)] }).run(stop.signal),
      createManager({ ...options, controllers: [newController(V2Later)] }).run(stop.signal),
    ];
    await clock.advance(100);
    const clients = [V1, V2, V1Later, V2Later].map((kind) => createClient(options).resource(kind as typeof V1));
    for (let index = 0; index < 10; index++) {
      const spec = { greeting: { text: `m${index}`, lang: `l${index}` }, loud: true };
      await createClient(options)
        .resource(V2)
        .create({ name: `g${index}`, spec });
    }
    // Half of the programs store v1, half v2 already, and all of them count up.
    const load = Promise.all(
      clients.flatMap((client) =>
        Array.from({ length: 10 }, (_, index) =>
          client.modify(`g${index}`, ({ spec }) => ({ spec: { ...spec, count: spec.count + 1 } }), { attempts: 1000 }),
        ),
      ),
    );
    await drive(clock, load);
    await clock.advance(10_000);
    const rewritten = createClient(options).resource(V2Later);
    await drive(clock, rewritten.rewriteStale());
    await clock.advance(10_000);
    const { items, unreadable } = await rewritten.list();
    expect(unreadable).toEqual([]);
    for (const [index, { spec, status }] of items.entries()) {
      expect(spec).toEqual({ greeting: { text: `m${index}`, lang: `l${index}` }, loud: true, count: 5 });
      expect(status?.said).toBe(5);
    }
    expect([[...seen.old], [...seen.next]]).toEqual([['string'], ['string']]);
    stop.abort();
    await clock.advance(1000);
    await Promise.all(running);
  }, 60_000);

  it('refuses versions that do not fit together, and conversions that break', async () => {
    const Other = defineResource({ ...names, kind: 'Other', version: 'v2', spec: z.object({}) });
    expect(() => withVersions([Old], { storage: Old, conversions: [] })).toThrow(/at least two/);
    expect(() => withVersions([Old, Other], { storage: Old, conversions: [] })).toThrow(/kind, group/);
    expect(() => withVersions([Old, New], { storage: Old, conversions: [] })).toThrow(/one from v1 to v2/);
    expect(() => withVersions([Old, New], { storage: Other as never, conversions: [oldToNew] })).toThrow(/storage/);
    const broken = conversion(Old, New, {
      up: () => {
        throw new TypeError('secret');
      },
      down: () => ({ spec: {} as never }),
    });
    const [, V2] = withVersions([Old, New], { storage: Old, conversions: [broken] });
    const { client } = sampleClient();
    const error = await errorOf(client.resource(V2).create({ name: 'hi', spec: { greeting: { text: 'x' } } }));
    expect(error).toMatchObject({ code: 'Invalid' });
    expect(String(error)).not.toContain('secret');
  });
});

describe('schemas', () => {
  it('are told as JSON Schema, with what the library keeps in every object', () => {
    const schema = resourceJsonSchema(Old);
    expect(schema).toMatchObject({
      title: 'Greeting',
      required: ['apiVersion', 'kind', 'metadata', 'spec'],
      properties: {
        apiVersion: { const: 'demo.dev/v1' },
        spec: { type: 'object', required: ['message'], properties: { count: { type: 'integer', default: 1 } } },
        status: { properties: { said: { type: 'integer' }, conditions: { type: 'array' } } },
      },
    });
    const dated = defineResource({ ...names, version: 'v3', spec: z.object({ at: z.date() }) });
    expect(() => resourceJsonSchema(dated)).toThrow(/JSON Schema of Greeting.*spec/);
  });

  it('refuse, drop or keep fields that they do not know, as the kind says', async () => {
    const spec = z.object({ size: z.int() });
    const kind = (unknownFields: 'refuse' | 'drop' | 'keep') =>
      defineResource({ ...names, version: 'v1', spec, unknownFields });
    const create = (policy: 'refuse' | 'drop' | 'keep') =>
      sampleClient()
        .client.resource(kind(policy))
        .create({ name: 'hi', spec: { size: 1, sise: 2 } as { size: number } });
    expect(await errorOf(create('refuse'))).toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('"size"'),
    });
    expect((await create('drop')).spec).toEqual({ size: 1 });
    expect((await create('keep')).spec).toEqual({ size: 1, sise: 2 });
    expect(() => kind('forget' as never)).toThrow(/unknownFields/);
  });
});
