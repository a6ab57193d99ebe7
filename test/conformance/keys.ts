import { expect, it } from 'vitest';
import { briefly, expectCode, freshPrefix, type OpenStore, revisionOf, text } from './fixture.ts';
import { topic } from './topic.ts';

export function describeKeys(open: OpenStore): void {
  topic('puts, gets and deletes', open, (t) => {
    it('a put moves the store on by exactly one revision and answers with it', async () => {
      const key = freshPrefix();
      const base = await revisionOf(t.store);
      expect((await t.store.put({ key, value: 'a' })).revision).toBe(base + 1n);
      expect((await t.store.put({ key, value: 'a' })).revision).toBe(base + 2n);
      expect(await revisionOf(t.store)).toBe(base + 2n);
    });

    it('a key counts its versions from 1, keeps its create revision and starts anew after a deletion', async () => {
      const key = freshPrefix();
      const { revision: created } = await t.store.put({ key, value: 'a' });
      await t.store.put({ key, value: 'b' });
      const second = (await t.store.range({ key })).kvs[0]!;
      expect(second).toMatchObject({ version: 2n, createRevision: created, modRevision: created + 1n, lease: 0n });
      await t.store.delete({ key });
      await t.store.put({ key, value: 'c' });
      const third = (await t.store.range({ key })).kvs[0]!;
      expect(third).toMatchObject({ version: 1n, createRevision: created + 3n, modRevision: created + 3n });
    });

    it('a put gives back what it replaced when asked, and nothing for a new key', async () => {
      const key = freshPrefix();
      const first = await t.store.put({ key, value: 'a', prevKv: true });
      expect(first.prevKv).toBeUndefined();
      const second = await t.store.put({ key, value: 'b', prevKv: true });
      expect(text(second.prevKv!.value)).toBe('a');
      expect(second.prevKv!.modRevision).toBe(first.revision);
      expect((await t.store.put({ key, value: 'c' })).prevKv).toBeUndefined();
    });

    it('an empty value is a value', async () => {
      const key = freshPrefix();
      await t.store.put({ key, value: '' });
      const { kvs, count } = await t.store.range({ key });
      expect(count).toBe(1n);
      expect(kvs[0]!.value).toHaveLength(0);
    });

    it('F-112: keys and values are bytes, whatever they are', async () => {
      const prefix = new TextEncoder().encode(freshPrefix());
      const key = Uint8Array.of(...prefix, 0, 0xff, 0xfe, 0x80);
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      await t.store.put({ key, value });
      const { kvs } = await t.store.range({ key });
      expect(Array.from(kvs[0]!.key)).toEqual(Array.from(key));
      expect(Array.from(kvs[0]!.value)).toEqual(Array.from(value));
    });

    it('a string stands for its UTF-8', async () => {
      const prefix = freshPrefix();
      await t.store.put({ key: `${prefix}schlüssel`, value: 'größe 🙂' });
      const { kvs } = await t.store.range({ key: new TextEncoder().encode(`${prefix}schlüssel`) });
      expect(briefly(kvs, prefix)).toEqual(['schlüssel=größe 🙂']);
    });

    it('a delete counts what it deleted, in one revision, and gives it back in key order when asked', async () => {
      const prefix = freshPrefix();
      for (const name of ['c', 'a', 'b']) await t.store.put({ key: prefix + name, value: name });
      const base = await revisionOf(t.store);
      const { revision, deleted, prevKvs } = await t.store.delete({ prefix, prevKv: true });
      expect({ revision, deleted }).toEqual({ revision: base + 1n, deleted: 3n });
      expect(briefly(prevKvs, prefix)).toEqual(['a=a', 'b=b', 'c=c']);
      expect((await t.store.range({ prefix })).count).toBe(0n);
    });

    it('a delete that finds nothing moves nothing', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      expect(await t.store.delete({ prefix, prevKv: true })).toEqual({ revision: base, deleted: 0n, prevKvs: [] });
      await t.store.put({ key: `${prefix}a`, value: '' });
      await t.store.delete({ key: `${prefix}a` });
      expect(await t.store.delete({ key: `${prefix}a` })).toMatchObject({ revision: base + 2n, deleted: 0n });
    });

    it('deletes a range without its end and from a key on', async () => {
      const prefix = freshPrefix();
      for (const name of ['a', 'b', 'c']) await t.store.put({ key: prefix + name, value: '' });
      expect((await t.store.delete({ key: `${prefix}a`, end: `${prefix}c` })).deleted).toBe(2n);
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['c=']);
      expect((await t.store.delete({ key: `${prefix}z`, end: `${prefix}a` })).deleted).toBe(0n);
    });

    it('the caller may do as it likes with the bytes it gave and those it got', async () => {
      const key = new TextEncoder().encode(freshPrefix());
      const value = Uint8Array.of(1, 2, 3);
      const again = new Uint8Array(key);
      const put = t.store.put({ key, value });
      await put;
      key.fill(0);
      value.fill(0);
      const first = (await t.store.range({ key: again })).kvs[0]!;
      expect(Array.from(first.value)).toEqual([1, 2, 3]);
      first.value.fill(9);
      first.key.fill(9);
      const second = (await t.store.range({ key: again })).kvs[0]!;
      expect(Array.from(second.value)).toEqual([1, 2, 3]);
      expect(Array.from(second.key)).toEqual(Array.from(again));
    });

    it('refuses an empty key, an empty prefix and half a character', async () => {
      await expectCode(t.store.put({ key: '', value: '' }), 'Invalid');
      await expectCode(t.store.range({ key: '' }), 'Invalid');
      await expectCode(t.store.range({ prefix: '' }), 'Invalid');
      await expectCode(t.store.delete({ prefix: '' }), 'Invalid');
      await expectCode(t.store.put({ key: '\ud800', value: '' }), 'Invalid');
    });
  });
}
