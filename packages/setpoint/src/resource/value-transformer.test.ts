import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorOf, revisionOf, sampleClient } from '../../../../test/harness/sample-objects.ts';
import { createInformer } from '../informer/index.ts';
import { settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore } from '../store/index.ts';
import { aesGcmTransformer, resourceCodec, type ValueTransformer } from './index.ts';

const key = (id: string) => ({ id, secret: Buffer.alloc(32, id) });
const only = (transformer: ValueTransformer) => ({ transformerOf: () => transformer });
const first = aesGcmTransformer({ keys: [key('k1')] });
const rotated = aesGcmTransformer({ keys: [key('k2'), key('k1')] });
const SUBJECT = { what: 'Value' };
const CANARY = 'canary-secret-4711';

describe('F-118: encryption', () => {
  it('I-127: opens what it sealed, at the same key only, and nothing that was changed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ minLength: 1 }), fc.nat(), (bytes, at, flip) => {
        const sealed = first.seal(bytes, at);
        expect(Buffer.from(first.open(sealed, at, SUBJECT))).toEqual(Buffer.from(bytes));
        expect(() => first.open(sealed, `${at}x`, SUBJECT)).toThrow(/belongs to another key/);
        const changed = Uint8Array.from(sealed);
        changed[flip % changed.length]! ^= 1;
        expect(() => first.open(changed, at, SUBJECT)).toThrow(/Invalid/);
      }),
    );
  });

  it('I-127: refuses a value that was moved to another key, in the client and in a cache', async () => {
    const { websites, store } = sampleClient(only(first));
    await websites.create({ name: 'a', spec: { message: CANARY } });
    await websites.create({ name: 'b', spec: { message: 'b' } });
    const { kvs } = await store.range({ key: '/registry/websites/default/a' });
    expect(Buffer.from(kvs[0]!.value).toString('latin1')).not.toContain(CANARY);
    await store.put({ key: '/registry/websites/default/b', value: kvs[0]!.value });
    const error = await errorOf(websites.get('b'));
    expect(error).toMatchObject({ code: 'Invalid', message: expect.stringContaining('/registry/websites/default/b') });
    expect(String(error)).not.toContain(CANARY);
    const informer = createInformer({
      store,
      prefix: '/registry/websites/',
      codec: resourceCodec(websites.definition, '/registry', first),
    });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await informer.whenSynced();
    expect(informer.lister.list().map(({ metadata }) => metadata.name)).toEqual(['a']);
    stop.abort();
    await running;
  });

  it('I-119: rewrites a value that is sealed with an old secret, also where nothing else changes', async () => {
    const store = memoryStore();
    const before = sampleClient({ store, ...only(first) }).websites;
    for (const name of ['a', 'b', 'c']) await before.create({ name, spec: { message: name } });
    const random = seededRandom(3);
    const after = sampleClient({ store, random, ...only(rotated) }).websites;
    const a = await after.get('a');
    const same = await after.modify('a', (current) => current);
    expect(same.metadata.resourceVersion).not.toBe(a.metadata.resourceVersion);
    expect(same.spec).toEqual(a.spec);
    expect(await after.modify('a', (current) => current)).toEqual(same);
    expect(await after.modify(same, (current) => current)).toEqual(same);
    expect(await after.rewriteStale()).toBe(2);
    expect(await after.rewriteStale()).toBe(0);
    const done = sampleClient({ store, ...only(aesGcmTransformer({ keys: [key('k2')] })) }).websites;
    expect((await done.list()).items.map(({ spec }) => spec.message)).toEqual(['a', 'b', 'c']);
    expect((await before.list()).unreadable).toHaveLength(3);
  });

  it('changes a store over from plain values', async () => {
    const store = memoryStore();
    await sampleClient({ store }).websites.create({ name: 'a', spec: { message: CANARY } });
    expect(await errorOf(sampleClient({ store, ...only(first) }).websites.get('a'))).toMatchObject({ code: 'Invalid' });
    const changing = sampleClient({ store, ...only(aesGcmTransformer({ keys: [key('k1')], readPlain: true })) });
    expect((await changing.websites.get('a')).spec.message).toBe(CANARY);
    expect(await changing.websites.rewriteStale()).toBe(1);
    expect((await sampleClient({ store, ...only(first) }).websites.get('a')).spec.message).toBe(CANARY);
  });

  it('works with everything that a client does', async () => {
    const { websites, store } = sampleClient(only(first));
    const web = await websites.create({ name: 'a', spec: { message: 'one' } });
    const events: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of websites.watch({ signal: stop.signal })) events.push(event.type);
    })();
    await settle();
    const two = await websites.update(web, { spec: { message: 'two' } });
    expect(await errorOf(websites.update(web, { spec: { message: 'three' } }))).toMatchObject({ code: 'Conflict' });
    await websites.updateStatus(two, { ready: 1 });
    expect((await websites.history('a')).versions).toHaveLength(3);
    const before = await revisionOf(store);
    expect(await websites.apply({ name: 'a', spec: { message: 'two' } })).toMatchObject({ status: { ready: 1 } });
    expect(await revisionOf(store)).toBe(before);
    await websites.delete('a');
    await settle();
    stop.abort();
    await watching;
    expect(events).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  });

  it('refuses secrets that are none, without telling them', () => {
    for (const keys of [
      [],
      [{ id: 'K', secret: Buffer.alloc(32) }],
      [{ id: 'k', secret: Buffer.from(CANARY) }],
      [key('a'), key('a')],
    ]) {
      let message = '';
      try {
        aesGcmTransformer({ keys });
      } catch (error) {
        message = String(error);
      }
      expect(message).toMatch(/Invalid/);
      expect(message).not.toContain(CANARY);
    }
  });
});
