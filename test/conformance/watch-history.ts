import { isSetpointError } from 'setpoint';
import { expect, it } from 'vitest';
import { freshPrefix, type OpenStore, revisionOf, text, watching } from './fixture.ts';
import { topic } from './topic.ts';

export function describeWatchHistory(open: OpenStore): void {
  topic('watches from a revision', open, (t) => {
    const put = async (key: string, value = ''): Promise<bigint> => (await t.store.put({ key, value })).revision;

    it('I-72: delivers history from its start on, then goes on live without a gap', async () => {
      const prefix = freshPrefix();
      const first = await put(`${prefix}k`, '0');
      for (let i = 1; i < 10; i++) await put(`${prefix}k`, `${i}`);
      const watch = watching(t.store, { prefix, startRevision: first + 3n });
      for (let i = 10; i < 20; i++) await put(`${prefix}k`, `${i}`);
      const events = await watch.atLeast(17);
      expect(events.map((event) => Number(text(event.kv.value)))).toEqual(Array.from({ length: 17 }, (_, i) => i + 3));
      await watch.stop();
    });

    it('I-72: a watch that starts right behind a list misses nothing and repeats nothing under writes', async () => {
      const prefix = freshPrefix();
      let writing = true;
      const writer = (async () => {
        for (let i = 0; writing && i < 2000; i++) await put(`${prefix}${i % 7}`, `${i}`);
        return put(`${prefix}last`);
      })();
      const { kvs, revision } = await t.store.range({ prefix });
      const watch = watching(t.store, { prefix, startRevision: revision + 1n });
      await watch.atLeast(100);
      writing = false;
      const last = await writer;
      while (watch.events.at(-1)?.kv.modRevision !== last) await watch.atLeast(watch.events.length + 1);
      const state = new Map(
        [...kvs, ...watch.events.map((event) => event.kv)].map((kv) => [text(kv.key), kv.modRevision]),
      );
      const truth = new Map((await t.store.range({ prefix })).kvs.map((kv) => [text(kv.key), kv.modRevision]));
      expect(state).toEqual(truth);
      const revisions = watch.events.map((event) => event.kv.modRevision);
      expect(revisions).toEqual(Array.from({ length: revisions.length }, (_, i) => revision + 1n + BigInt(i)));
      await watch.stop();
    });

    it('I-169, I-170, I-172: 3,000 revisions of history arrive in order, each once', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      for (let i = 0; i < 30; i++) {
        // Each alone, because a store may let writes that are made together share a revision.
        const key = (j: number): string => `${prefix}${i * 100 + j}`;
        await Promise.all(
          Array.from({ length: 100 }, (_, j) => t.store.put({ key: key(j), value: '' }, { alone: true })),
        );
      }
      const watch = watching(t.store, { prefix, startRevision: base + 1n });
      const events = await watch.atLeast(3000);
      expect(events.map((event) => event.kv.modRevision - base)).toEqual(
        Array.from({ length: 3000 }, (_, i) => BigInt(i + 1)),
      );
      await watch.stop();
    });

    it('I-173: going on behind the last delivered revision continues without loss', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      for (let i = 0; i < 50; i++) await put(`${prefix}${i}`);
      const seen: bigint[] = [];
      let startRevision = base + 1n;
      while (seen.length < 50) {
        for await (const batch of t.store.watch({ prefix, startRevision })) {
          seen.push(...batch.events.map((event) => event.kv.modRevision));
          startRevision = batch.revision + 1n;
          break;
        }
      }
      expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => base + 1n + BigInt(i)));
    });

    it('a batch says up to where everything has been delivered, never further back than before', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const watch = watching(t.store, { prefix, startRevision: base + 1n });
      for (let i = 0; i < 20; i++) await put(i % 2 ? `${prefix}a` : freshPrefix());
      await watch.atLeast(10);
      let told = base;
      for (const batch of watch.batches) {
        for (const event of batch.events) {
          expect(event.kv.modRevision).toBeGreaterThan(told);
          expect(event.kv.modRevision).toBeLessThanOrEqual(batch.revision);
        }
        expect(batch.revision).toBeGreaterThanOrEqual(told);
        told = batch.revision;
      }
      await watch.stop();
    });

    it('F-57: a start in the future waits for it, and what comes before is not delivered', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const watch = watching(t.store, { prefix, startRevision: base + 3n });
      await t.under.elapse(100);
      for (const value of ['1', '2', '3', '4']) await put(`${prefix}a`, value);
      const events = await watch.atLeast(2);
      expect(events.map((event) => text(event.kv.value))).toEqual(['3', '4']);
      await watch.stop();
    });

    it('I-76: a start before the compaction fails with Compacted and names the compaction revision', async () => {
      const prefix = freshPrefix();
      const first = await put(`${prefix}a`, '1');
      await put(`${prefix}a`, '2');
      const compacted = await put(`${prefix}a`, '3');
      await t.store.compact(compacted);
      const error = await watching(t.store, { prefix, startRevision: first }).over;
      expect(isSetpointError(error, 'Compacted') && error.details.revision).toBe(compacted);
    });

    it('a start right behind the compaction works, and prevKv reaches back to the compaction revision', async () => {
      const prefix = freshPrefix();
      await put(`${prefix}a`, '1');
      const compacted = await put(`${prefix}a`, '2');
      await put(`${prefix}a`, '3');
      await put(`${prefix}a`, '4');
      await t.store.compact(compacted);
      const watch = watching(t.store, { prefix, startRevision: compacted + 1n, prevKv: true });
      const events = await watch.atLeast(2);
      expect(events.map((event) => [text(event.kv.value), event.prevKv && text(event.prevKv.value)])).toEqual([
        ['3', '2'],
        ['4', '3'],
      ]);
      await watch.stop();
    });

    // A watch of deletions too may be refused here, where the server's version can lose them: see docs/etcd-versions.md.
    it('F-52: a put at the compaction revision itself is delivered, without what it replaced', async () => {
      const prefix = freshPrefix();
      await put(`${prefix}a`, '1');
      const compacted = await put(`${prefix}a`, '2');
      await t.store.compact(compacted);
      const watch = watching(t.store, { prefix, startRevision: compacted, exclude: 'delete', prevKv: true });
      const [event] = await watch.atLeast(1);
      expect(text(event!.kv.value)).toBe('2');
      expect(event!.prevKv).toBeUndefined();
      await watch.stop();
    });

    it('a live watch outlives a compaction', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const watch = watching(t.store, { prefix, startRevision });
      await put(`${prefix}a`, '1');
      await watch.atLeast(1);
      await t.store.compact(await put(`${prefix}a`, '2'));
      await put(`${prefix}a`, '3');
      expect((await watch.atLeast(3)).map((event) => text(event.kv.value))).toEqual(['1', '2', '3']);
      await watch.stop();
    });
  });
}
