import type { SortTarget } from 'setpoint/store';
import { expect, it } from 'vitest';
import { briefly, freshPrefix, type OpenStore, text } from './fixture.ts';
import { topic } from './topic.ts';

export function describeRanges(open: OpenStore): void {
  topic('ranges', open, (t) => {
    /** Keys a..e whose value, version and mod order all differ from the key order. */
    const fill = async (): Promise<{ prefix: string; base: bigint }> => {
      const prefix = freshPrefix();
      const { revision } = await t.store.put({ key: `${prefix}c`, value: '5' });
      for (const [name, value] of ['a2', 'e1', 'b4', 'd3'].map((pair) => [pair[0]!, pair[1]!])) {
        await t.store.put({ key: prefix + name, value: value! });
      }
      for (const name of ['b', 'b', 'a', 'd'])
        await t.store.put({ key: prefix + name, value: name === 'b' ? '4' : '7' });
      return { prefix, base: revision };
    };

    it('a prefix gives its keys in byte order with the revision of the store', async () => {
      const { prefix } = await fill();
      const { kvs, count, more } = await t.store.range({ prefix });
      expect(briefly(kvs, prefix)).toEqual(['a=7', 'b=4', 'c=5', 'd=7', 'e=1']);
      expect({ count, more }).toEqual({ count: 5n, more: false });
    });

    it('F-114: a prefix ends where its keys end, also after a tail of 0xff', async () => {
      const base = new TextEncoder().encode(freshPrefix());
      const at = (...tail: number[]): Uint8Array => Uint8Array.of(...base, ...tail);
      for (const key of [at(0xfe, 1), at(0xff), at(0xff, 0), at(0xff, 0xff), at(0xff, 0xff, 7)]) {
        await t.store.put({ key, value: '' });
      }
      expect((await t.store.range({ prefix: at(0xff) })).count).toBe(4n);
      expect((await t.store.range({ prefix: at(0xff, 0xff) })).count).toBe(2n);
      expect((await t.store.range({ prefix: base })).count).toBe(5n);
    });

    it('a range leaves its end out, and is empty when its end is not behind its start', async () => {
      const { prefix } = await fill();
      const between = async (from: string, to: string): Promise<string[]> =>
        briefly((await t.store.range({ key: prefix + from, end: prefix + to })).kvs, prefix);
      expect(await between('b', 'd')).toEqual(['b=4', 'c=5']);
      expect(await between('b', 'b')).toEqual([]);
      expect(await between('d', 'b')).toEqual([]);
    });

    it('from a key on includes that key and everything behind it', async () => {
      const { prefix } = await fill();
      const { kvs } = await t.store.range({ fromKey: `${prefix}d`, limit: 2 });
      expect(briefly(kvs, prefix)).toEqual(['d=7', 'e=1']);
    });

    it('limit cuts, says so, and leaves the count whole', async () => {
      const { prefix } = await fill();
      const limited = async (limit: number): Promise<unknown> => {
        const { kvs, more, count } = await t.store.range({ prefix, limit });
        return [kvs.length, more, count];
      };
      expect(await limited(0)).toEqual([5, false, 5n]);
      expect(await limited(1)).toEqual([1, true, 5n]);
      expect(await limited(4)).toEqual([4, true, 5n]);
      expect(await limited(5)).toEqual([5, false, 5n]);
      expect(await limited(6)).toEqual([5, false, 5n]);
    });

    it('countOnly counts, with or without a limit, and gives no keys', async () => {
      const { prefix } = await fill();
      for (const limit of [0, 2]) {
        const { kvs, more, count } = await t.store.range({ prefix, countOnly: true, limit });
        expect({ kvs, more, count }).toEqual({ kvs: [], more: false, count: 5n });
      }
    });

    it('keysOnly leaves the values out and everything else in', async () => {
      const { prefix } = await fill();
      const full = (await t.store.range({ prefix })).kvs;
      const { kvs } = await t.store.range({ prefix, keysOnly: true });
      expect(kvs.every((kv) => kv.value.length === 0)).toBe(true);
      expect(kvs.map(({ key, modRevision, version }) => [text(key), modRevision, version])).toEqual(
        full.map(({ key, modRevision, version }) => [text(key), modRevision, version]),
      );
    });

    it('sorts by every target, either way', async () => {
      const { prefix } = await fill();
      const by = async (target: SortTarget): Promise<string[]> => {
        const orders = [];
        for (const order of ['ascend', 'descend'] as const) {
          const { kvs } = await t.store.range({ prefix, sort: { by: target, order } });
          orders.push(kvs.map((kv) => text(kv.key).slice(prefix.length)).join(''));
        }
        return orders;
      };
      // The values of a and d and the versions of a and d, c and e are equal; etcd promises no order among equals.
      const ofEquals = (order: string): string => order.replace('da', 'ad').replace('ec', 'ce');
      expect(await by('key')).toEqual(['abcde', 'edcba']);
      expect(await by('create')).toEqual(['caebd', 'dbeac']);
      expect(await by('mod')).toEqual(['cebad', 'dabec']);
      expect((await by('version')).map(ofEquals)).toEqual(['ceadb', 'badce']);
      expect((await by('value')).map(ofEquals)).toEqual(['ebcad', 'adcbe']);
    });

    it('sorts the values away from keysOnly first, and limits after sorting', async () => {
      const { prefix } = await fill();
      const { kvs, more, count } = await t.store.range({
        prefix,
        keysOnly: true,
        limit: 2,
        sort: { by: 'value', order: 'ascend' },
      });
      expect(kvs.map((kv) => text(kv.key).slice(prefix.length))).toEqual(['e', 'b']);
      expect({ more, count }).toEqual({ more: true, count: 5n });
    });

    it('revision bounds choose among the keys, limit after them, and the count knows nothing of them', async () => {
      const { prefix, base } = await fill();
      const bounded = async (bounds: object): Promise<unknown> => {
        const { kvs, more, count } = await t.store.range({ prefix, limit: 2, ...bounds });
        return [kvs.map((kv) => text(kv.key).slice(prefix.length)).join(''), more, count];
      };
      // created: c+0 a+1 e+2 b+3 d+4; modified: c+0 e+2 b+6 a+7 d+8
      expect(await bounded({ minModRevision: base + 6n })).toEqual(['ab', true, 5n]);
      expect(await bounded({ maxModRevision: base + 6n })).toEqual(['bc', true, 5n]);
      expect(await bounded({ minModRevision: base + 7n, maxModRevision: base + 8n })).toEqual(['ad', false, 5n]);
      expect(await bounded({ minCreateRevision: base + 3n })).toEqual(['bd', false, 5n]);
      expect(await bounded({ maxCreateRevision: base + 1n })).toEqual(['ac', false, 5n]);
      expect(await bounded({ maxCreateRevision: base - 1n })).toEqual(['', false, 5n]);
    });

    it('reads serializable too', async () => {
      const { prefix } = await fill();
      expect((await t.store.range({ prefix, serializable: true })).count).toBe(5n);
    });
  });
}
