import type { WatchEvent } from 'setpoint/store';
import { expect, it } from 'vitest';
import { brief, freshPrefix, type OpenStore, revisionOf, watching, text } from './fixture.ts';
import { topic } from './topic.ts';

const line =
  (prefix: string) =>
  (event: WatchEvent): string =>
    `${event.type} ${brief(event.kv, prefix)}${event.prevKv ? ` was ${text(event.prevKv.value)}` : ''}`;

export function describeWatches(open: OpenStore): void {
  topic('live watches', open, (t) => {
    it('a watch without a start first says from where on it sees everything', async () => {
      const prefix = freshPrefix();
      const before = await revisionOf(t.store);
      const watch = watching(t.store, { prefix });
      await watch.begun();
      expect(watch.batches[0]).toEqual({ revision: before, events: [] });
      await t.store.put({ key: `${prefix}a`, value: '1' });
      expect((await watch.atLeast(1)).map(line(prefix))).toEqual(['put a=1']);
      await watch.stop();
    });

    it('delivers puts and deletes in order with their revisions', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const watch = watching(t.store, { prefix, startRevision: base + 1n });
      await t.store.put({ key: `${prefix}a`, value: '1' });
      await t.store.put({ key: `${prefix}a`, value: '2' });
      await t.store.delete({ key: `${prefix}a` });
      const events = await watch.atLeast(3);
      expect(events.map(line(prefix))).toEqual(['put a=1', 'put a=2', 'delete a=']);
      expect(events[1]!.kv).toMatchObject({
        createRevision: base + 1n,
        modRevision: base + 2n,
        version: 2n,
        lease: 0n,
      });
      expect(events[2]!.kv).toMatchObject({ createRevision: 0n, modRevision: base + 3n, version: 0n, lease: 0n });
      await watch.stop();
    });

    it('watches the key that it was given, whatever becomes of the bytes', async () => {
      const prefix = freshPrefix();
      const key = Buffer.from(`${prefix}a`);
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watch = watching(t.store, { key, startRevision });
      key.fill('x');
      for (const name of ['a', 'b']) await t.store.put({ key: prefix + name, value: '' });
      expect((await watch.atLeast(1)).map(line(prefix))).toEqual(['put a=']);
      await watch.stop();
    });

    it('I-175: sees its own keys and no others', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const startRevision = base + 1n;
      const one = watching(t.store, { key: `${prefix}b`, startRevision });
      const some = watching(t.store, { key: `${prefix}b`, end: `${prefix}d`, startRevision });
      const all = watching(t.store, { prefix, startRevision });
      for (const name of ['a', 'b', 'c', 'd', 'end']) await t.store.put({ key: prefix + name, value: '' });
      await t.store.put({ key: `${prefix}b`, value: '2' });
      await all.atLeast(6);
      await some.atLeast(3);
      await one.atLeast(2);
      expect(all.events.map(line(prefix))).toHaveLength(6);
      expect(some.events.map(line(prefix))).toEqual(['put b=', 'put c=', 'put b=2']);
      expect(one.events.map(line(prefix))).toEqual(['put b=', 'put b=2']);
      await Promise.all([one.stop(), some.stop(), all.stop()]);
    });

    it('a range that no key can be in is refused at once, not waited for', () => {
      const key = freshPrefix();
      expect(() => t.store.watch({ key, end: key })).toThrow('Invalid: watch.end');
      expect(() => t.store.watch({ key: `${key}b`, end: `${key}a`, startRevision: 1n })).toThrow('Invalid: watch.end');
    });

    it('iterated once more begins once more', async () => {
      const prefix = freshPrefix();
      const { revision } = await t.store.put({ key: `${prefix}a`, value: '1' });
      const watch = t.store.watch({ prefix, startRevision: revision });
      const told: string[] = [];
      for (let round = 0; round < 2; round++) {
        for await (const { events } of watch) {
          told.push(...events.map(line(prefix)));
          if (events.length > 0) break;
        }
      }
      expect(told).toEqual(['put a=1', 'put a=1']);
    });

    it('I-171: one revision is one batch, in the order of the transaction', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watch = watching(t.store, { prefix, startRevision });
      const names = Array.from({ length: 100 }, (_, i) => `${(i * 37) % 100}`);
      await t.store.txn({ then: names.map((name) => ({ put: { key: prefix + name, value: '' } })) });
      await t.store.delete({ prefix });
      await watch.atLeast(200);
      const batchesByRevision = new Map<bigint, Set<number>>();
      watch.batches.forEach((batch, index) => {
        for (const event of batch.events) {
          const revisions = batchesByRevision.get(event.kv.modRevision) ?? new Set();
          batchesByRevision.set(event.kv.modRevision, revisions.add(index));
        }
      });
      expect([...batchesByRevision.values()].map((indexes) => indexes.size)).toEqual([1, 1]);
      const keys = watch.events.map((event) => text(event.kv.key).slice(prefix.length));
      expect(keys.slice(0, 100)).toEqual(names);
      expect(keys.slice(100)).toEqual(names.toSorted());
      await watch.stop();
    });

    it('I-176: prevKv is the value that the revision replaced, and absent at a creation', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watch = watching(t.store, { prefix, prevKv: true, startRevision });
      await t.store.put({ key: `${prefix}a`, value: '1' });
      await t.store.put({ key: `${prefix}a`, value: '2' });
      await t.store.delete({ key: `${prefix}a` });
      await t.store.put({ key: `${prefix}a`, value: '3' });
      expect((await watch.atLeast(4)).map(line(prefix))).toEqual([
        'put a=1',
        'put a=2 was 1',
        'delete a= was 2',
        'put a=3',
      ]);
      expect(watch.events[1]!.prevKv).toMatchObject({ modRevision: startRevision, version: 1n });
      await watch.stop();
    });

    it('a put and a delete of one key in one revision both arrive, with what was there before both', async () => {
      const prefix = freshPrefix();
      await t.store.put({ key: `${prefix}a`, value: 'old' });
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watch = watching(t.store, { prefix, prevKv: true, startRevision });
      await t.store.txn({
        then: [
          { txn: { then: [{ put: { key: `${prefix}a`, value: 'new' } }] } },
          { txn: { then: [{ delete: { prefix } }] } },
        ],
      });
      expect((await watch.atLeast(2)).map(line(prefix))).toEqual(['put a=new was old', 'delete a= was old']);
      await watch.stop();
    });

    it('leaves out the kind of event that it was told to', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const puts = watching(t.store, { prefix, exclude: 'delete', startRevision });
      const deletes = watching(t.store, { prefix, exclude: 'put', startRevision });
      for (const name of ['a', 'b']) {
        await t.store.put({ key: prefix + name, value: '1' });
        await t.store.delete({ key: prefix + name });
      }
      expect((await puts.atLeast(2)).map(line(prefix))).toEqual(['put a=1', 'put b=1']);
      expect((await deletes.atLeast(2)).map(line(prefix))).toEqual(['delete a=', 'delete b=']);
      await Promise.all([puts.stop(), deletes.stop()]);
    });

    it('writes that change nothing send nothing', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watch = watching(t.store, { prefix, startRevision });
      await t.store.delete({ prefix });
      await t.store.txn({ then: [{ range: { prefix } }] });
      await t.store.put({ key: `${prefix}a`, value: '1' });
      expect((await watch.atLeast(1)).map(line(prefix))).toEqual(['put a=1']);
      await watch.stop();
    });

    it('ends without an error when its signal aborts, also one that was aborted before', async () => {
      const prefix = freshPrefix();
      const watch = watching(t.store, { prefix });
      await watch.begun();
      await watch.stop();
      expect(watch.ended()).toBe('done');
      const batches = [];
      for await (const batch of t.store.watch({ prefix }, { signal: AbortSignal.abort() })) batches.push(batch);
      expect(batches).toEqual([]);
    });

    it('a consumer may leave, and the store goes on', async () => {
      const prefix = freshPrefix();
      for await (const batch of t.store.watch({ prefix })) {
        expect(batch.events).toEqual([]);
        break;
      }
      await t.store.put({ key: `${prefix}a`, value: '' });
    });

    it('every watch of many gets everything', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watches = Array.from({ length: 20 }, () => watching(t.store, { prefix, startRevision }));
      for (let i = 0; i < 20; i++) await t.store.put({ key: `${prefix}${i % 3}`, value: `${i}` });
      const expected = Array.from({ length: 20 }, (_, i) => `put ${i % 3}=${i}`);
      for (const watch of watches) {
        expect((await watch.atLeast(20)).map(line(prefix))).toEqual(expected);
        await watch.stop();
      }
    });
  });
}
