import { expect, it } from 'vitest';
import { briefly, expectCode, freshPrefix, type OpenStore, revisionOf, text } from './fixture.ts';
import { topic } from './topic.ts';

export function describeHistory(open: OpenStore): void {
  topic('history and compaction', open, (t) => {
    const put = async (key: string, value: string): Promise<bigint> => (await t.store.put({ key, value })).revision;

    it('a read at a revision sees the store as it was then, and names the revision of now', async () => {
      const prefix = freshPrefix();
      const first = await put(`${prefix}a`, '1');
      await put(`${prefix}b`, '1');
      await put(`${prefix}a`, '2');
      await t.store.delete({ key: `${prefix}b` });
      const now = await put(`${prefix}b`, '3');
      const seen = [];
      for (let revision = first - 1n; revision <= now; revision++) {
        const { kvs, count, revision: named } = await t.store.range({ prefix, revision });
        expect({ count, named }).toEqual({ count: BigInt(kvs.length), named: now });
        expect((await t.store.range({ prefix, revision, countOnly: true })).count).toBe(count);
        seen.push(briefly(kvs, prefix).join());
      }
      expect(seen).toEqual(['', 'a=1', 'a=1,b=1', 'a=2,b=1', 'a=2', 'a=2,b=3']);
    });

    it('what a key was then comes with its version and its create revision of then', async () => {
      const key = freshPrefix();
      const first = await put(key, '1');
      await put(key, '2');
      await t.store.delete({ key });
      await put(key, '3');
      expect((await t.store.range({ key, revision: first + 1n })).kvs[0]).toMatchObject({
        version: 2n,
        createRevision: first,
        modRevision: first + 1n,
      });
    });

    it('I-123: pages read at one revision are one snapshot, whatever is written meanwhile', async () => {
      const prefix = freshPrefix();
      for (let i = 0; i < 10; i++) await put(`${prefix}${i}`, 'old');
      const pages = [];
      let fromKey: Uint8Array = new TextEncoder().encode(prefix);
      let revision: bigint | undefined;
      for (let more = true; more;) {
        const page = await t.store.range({
          key: fromKey,
          end: `${prefix}\u007f`,
          limit: 3,
          ...(revision !== undefined && { revision }),
        });
        revision ??= page.revision;
        more = page.more;
        pages.push(briefly(page.kvs, prefix));
        fromKey = Uint8Array.of(...page.kvs.at(-1)!.key, 0);
        await t.store.delete({ key: `${prefix}${pages.length * 3}` });
        await put(`${prefix}5x`, 'new');
      }
      expect(pages.flat()).toEqual(Array.from({ length: 10 }, (_, i) => `${i}=old`));
    });

    it('a future revision is refused, the present one is not', async () => {
      const key = freshPrefix();
      const now = await put(key, '');
      expect((await t.store.range({ key, revision: now })).count).toBe(1n);
      await expectCode(t.store.range({ key, revision: now + 1n }), 'FutureRevision');
    });

    it('compaction keeps what is current and reads at its revision, and refuses those before it', async () => {
      const prefix = freshPrefix();
      await put(`${prefix}a`, '1');
      await put(`${prefix}gone`, '1');
      await t.store.delete({ key: `${prefix}gone` });
      const at = await put(`${prefix}a`, '2');
      await put(`${prefix}a`, '3');
      await t.store.compact(at);
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['a=3']);
      expect(briefly((await t.store.range({ prefix, revision: at })).kvs, prefix)).toEqual(['a=2']);
      await expectCode(t.store.range({ prefix, revision: at - 1n }), 'Compacted');
    });

    it('compaction at a deletion, right before and right behind it', async () => {
      const prefix = freshPrefix();
      await put(`${prefix}a`, '1');
      const { revision: deleted } = await t.store.delete({ key: `${prefix}a` });
      await put(`${prefix}b`, '1');
      await t.store.compact(deleted - 1n);
      expect(briefly((await t.store.range({ prefix, revision: deleted - 1n })).kvs, prefix)).toEqual(['a=1']);
      await t.store.compact(deleted);
      expect((await t.store.range({ prefix, revision: deleted })).count).toBe(0n);
      await t.store.put({ key: `${prefix}a`, value: '2' });
      expect((await t.store.range({ key: `${prefix}a` })).kvs[0]).toMatchObject({ version: 1n });
    });

    it('a key keeps its version and create revision through a compaction', async () => {
      const key = freshPrefix();
      const first = await put(key, '1');
      for (const value of ['2', '3']) await put(key, value);
      await t.store.compact(first + 2n);
      await put(key, '4');
      expect((await t.store.range({ key })).kvs[0]).toMatchObject({ version: 4n, createRevision: first });
    });

    it('compacting again, further back or ahead of the store is refused', async () => {
      const key = freshPrefix();
      const revision = await put(key, '1');
      await t.store.compact(revision);
      await expectCode(t.store.compact(revision), 'Compacted');
      await expectCode(t.store.compact(revision - 1n), 'Compacted');
      await expectCode(t.store.compact(revision + 1n), 'FutureRevision');
      expect(await revisionOf(t.store)).toBe(revision);
    });

    it('I-72: a compare on the past incarnation of a key does not hold for the present one', async () => {
      const key = freshPrefix();
      const created = await put(key, '1');
      await t.store.delete({ key });
      await put(key, '2');
      const { succeeded } = await t.store.txn({
        compares: [{ key, target: 'create', operator: '=', operand: created }],
      });
      expect(succeeded).toBe(false);
    });

    it('the status names the revision and the members answer', async () => {
      const now = await put(freshPrefix(), '');
      const [status] = await t.store.status();
      expect(status!.revision).toBeGreaterThanOrEqual(now);
      expect(status!.version).toMatch(/^\d+\.\d+\.\d+/);
      const members = await t.store.members();
      expect(members.map((member) => member.id)).toContain(status!.memberId);
      expect(await t.store.alarms()).toEqual([]);
      expect(text(new Uint8Array(0))).toBe('');
    });
  });
}
