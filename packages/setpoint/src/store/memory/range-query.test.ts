import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../internal/fake-clock.ts';
import type { KeyValue, RangeRequest, SortTarget } from '../port.ts';
import { memoryStore } from './memory-store.ts';

const KEYS = ['a', 'a\0', 'ab', 'b', 'b\u007f', 'c', 'd', 'é', '\u{10ffff}'];
const bytes = (text: string): Buffer => Buffer.from(text);
const keyOf = (kv: KeyValue): Buffer => Buffer.from(kv.key);

/** The naive reference: the whole store as it was at every revision. */
type Snapshots = Map<bigint, readonly KeyValue[]>;

const selector = fc.oneof(
  fc.record({ key: fc.constantFrom(...KEYS) }),
  fc.record({ key: fc.constantFrom(...KEYS), end: fc.constantFrom(...KEYS) }),
  fc.record({ prefix: fc.constantFrom('a', 'b', 'é') }),
  fc.record({ fromKey: fc.constantFrom('\0', ...KEYS) }),
);

const bound = fc.option(fc.bigInt({ min: 1n, max: 45n }), { nil: undefined });

const options = fc.record(
  {
    limit: fc.nat(6),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    sort: fc.record({
      by: fc.constantFrom<SortTarget>('key', 'create', 'mod', 'version', 'value'),
      order: fc.constantFrom('ascend' as const, 'descend' as const),
    }),
    revision: fc.bigInt({ min: 20n, max: 41n }),
    minModRevision: bound,
    maxModRevision: bound,
    minCreateRevision: bound,
    maxCreateRevision: bound,
  },
  { requiredKeys: [] },
);

function selects(request: RangeRequest, key: Buffer): boolean {
  const { key: start, end, prefix, fromKey } = request as unknown as Record<string, string | undefined>;
  if (prefix !== undefined) return key.subarray(0, bytes(prefix).length).equals(bytes(prefix));
  if (fromKey !== undefined) return Buffer.compare(key, bytes(fromKey)) >= 0;
  if (end === undefined) return key.equals(bytes(start!));
  return Buffer.compare(key, bytes(start!)) >= 0 && Buffer.compare(key, bytes(end)) < 0;
}

function compareBy(by: SortTarget, a: KeyValue, b: KeyValue): number {
  if (by === 'key') return Buffer.compare(keyOf(a), keyOf(b));
  if (by === 'value') return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value));
  const field = ({ create: 'createRevision', mod: 'modRevision', version: 'version' } as const)[by];
  return Number(a[field] - b[field]);
}

/** A range answered by looking at everything. */
function naiveRange(snapshots: Snapshots, request: RangeRequest, now: bigint): unknown {
  const all = snapshots.get(request.revision ?? now)!.filter((kv) => selects(request, keyOf(kv)));
  const count = BigInt(all.length);
  if (request.countOnly) return { revision: now, kvs: [], more: false, count };
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision, sort, limit } = request;
  const kept = all
    .filter((kv) => minModRevision === undefined || kv.modRevision >= minModRevision)
    .filter((kv) => maxModRevision === undefined || kv.modRevision <= maxModRevision)
    .filter((kv) => minCreateRevision === undefined || kv.createRevision >= minCreateRevision)
    .filter((kv) => maxCreateRevision === undefined || kv.createRevision <= maxCreateRevision);
  const inOrder = kept.toSorted((a, b) => compareBy('key', a, b));
  if (sort) inOrder.sort((a, b) => compareBy(sort.by, a, b) * (sort.order === 'ascend' ? 1 : -1));
  const kvs = limit ? inOrder.slice(0, limit) : inOrder;
  const shown = request.keysOnly ? kvs.map((kv) => ({ ...kv, value: new Uint8Array(0) })) : kvs;
  return { revision: now, kvs: shown, more: kvs.length < kept.length, count };
}

describe('ranges of the memory store', () => {
  it('answers as looking at everything would, now and in the past, before and after compaction', async () => {
    const write = fc.record({ key: fc.constantFrom(...KEYS), value: fc.option(fc.constantFrom('', 'x', 'y')) });
    const reads = fc.array(fc.tuple(selector, options), { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 40, maxLength: 40 }), reads, async (writes, requests) => {
        const store = memoryStore({ clock: new FakeClock() });
        const snapshots: Snapshots = new Map([[1n, []]]);
        const living = new Map<string, KeyValue>();
        for (const { key, value } of writes) {
          // A null value is a delete; when there is nothing to delete it is a put, so that every write counts.
          const old = living.get(key);
          const gone = value === null && old !== undefined;
          const { revision } = gone ? await store.delete({ key }) : await store.put({ key, value: value ?? 'z' });
          if (gone) living.delete(key);
          else {
            living.set(key, {
              key: new Uint8Array(bytes(key)),
              value: new Uint8Array(bytes(value ?? 'z')),
              createRevision: old?.createRevision ?? revision,
              modRevision: revision,
              version: (old?.version ?? 0n) + 1n,
              lease: 0n,
            });
          }
          snapshots.set(revision, [...living.values()]);
        }
        for (const compactAt of [undefined, 5n, 20n]) {
          if (compactAt !== undefined) await store.compact(compactAt);
          for (const [selected, wanted] of requests) {
            const request = { ...selected, ...wanted } as RangeRequest;
            expect(await store.range(request)).toEqual(naiveRange(snapshots, request, 41n));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('a transaction that reads the past counts without its own changes', async () => {
    const store = memoryStore({ clock: new FakeClock() });
    for (const key of ['a', 'b', 'c']) await store.put({ key, value: '' });
    const { revision } = await store.range({ key: 'a' });
    const range = { fromKey: 'a', limit: 1, revision };
    const { responses } = await store.txn({
      then: [
        { put: { key: 'd', value: '' } },
        { delete: { key: 'a' } },
        { range },
        { range: { ...range, countOnly: true } },
      ],
    });
    const answers = responses.map((response) => ('range' in response ? response.range : undefined));
    expect(answers[2]).toMatchObject({ count: 3n, more: true, revision: revision + 1n });
    expect(answers[2]!.kvs.map((kv) => keyOf(kv).toString())).toEqual(['a']);
    expect(answers[3]!.count).toBe(3n);
  });

  it('counts a past from which ten thousand revisions have passed', async () => {
    const store = memoryStore({ clock: new FakeClock() });
    for (const key of ['a', 'b', 'c']) await store.put({ key, value: '' });
    const { revision } = await store.delete({ key: 'b' });
    for (let i = 0; i < 10_000; i++) await store.put({ key: i % 2 ? 'b' : 'd', value: '' });
    const past = { fromKey: 'a', revision, limit: 1 };
    for (const key of ['e', 'f']) {
      expect(await store.range(past)).toMatchObject({ count: 2n, more: true });
      expect((await store.range({ ...past, countOnly: true })).count).toBe(2n);
      await store.put({ key, value: '' });
    }
  });

  it('equal keys of a sort stay in key order, either way', async () => {
    const store = memoryStore({ clock: new FakeClock() });
    const names = Array.from({ length: 50 }, (_, i) => String(i).padStart(2, '0'));
    for (const name of names) await store.put({ key: name, value: String(Number(name) % 2) });
    for (const order of ['ascend', 'descend'] as const) {
      const { kvs } = await store.range({ fromKey: '0', sort: { by: 'value', order } });
      const shown = kvs.map((kv) => keyOf(kv).toString());
      const [even, odd] = [names.filter((_, i) => i % 2 === 0), names.filter((_, i) => i % 2 === 1)];
      expect(shown).toEqual(order === 'ascend' ? [...even, ...odd] : [...odd, ...even]);
    }
  });
});
