import { describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { keyText, type KeySelector, listPages, memoryStore, type RangeRequest, type Store } from './index.ts';

/** A memory store that notes each range, and may meddle before it is asked. */
function noting(meddle: (request: RangeRequest, count: number, store: Store) => Promise<void> = async () => {}) {
  const store = memoryStore();
  const ranges: RangeRequest[] = [];
  const noted: Pick<Store, 'range'> = {
    range: async (request, options) => {
      ranges.push(request);
      await meddle(request, ranges.length, store);
      return store.range(request, options);
    },
  };
  return { store, noted, ranges };
}

const fill = async (store: Store, count: number, bytes: number): Promise<void> => {
  for (let at = 0; at < count; at++)
    await store.put({ key: `/k/${String(at).padStart(5, '0')}`, value: 'x'.repeat(bytes) });
};

async function listed(store: Pick<Store, 'range'>, selector: KeySelector, pageKeysMax?: number) {
  const pages = [];
  for await (const page of listPages(store, selector, pageKeysMax ? { pageKeysMax } : {})) pages.push(page);
  return { pages, keys: pages.flatMap((page) => page.kvs.map((kv) => keyText(kv.key))) };
}

describe('listPages', () => {
  it('refuses pages of no keys, which would be one page of all', async () => {
    const { noted, ranges } = noting();
    for (const pageKeysMax of [0, -1, 1.5, Number.NaN]) {
      const pages = listPages(noted, { prefix: '/k/' }, { pageKeysMax });
      await expect(pages.next()).rejects.toMatchObject({ code: 'Invalid', details: { path: 'listPages.pageKeysMax' } });
    }
    expect(ranges).toEqual([]);
  });

  it('I-84: gives every key once, all at the revision of the first page, whatever is written between', async () => {
    const { store, noted } = noting(async (_request, count, inner) => {
      if (count > 1) await inner.delete({ key: '/k/00299' });
      if (count > 1) await inner.put({ key: '/k/00298x', value: '' });
    });
    await fill(store, 300, 10);
    const { revision } = await store.range({ key: 'x' });
    const { pages, keys } = await listed(noted, { prefix: '/k/' });
    expect(keys).toEqual(Array.from({ length: 300 }, (_, at) => `/k/${String(at).padStart(5, '0')}`));
    expect(new Set(pages.map((page) => page.revision))).toEqual(new Set([revision]));
    expect(pages.length).toBeGreaterThan(1);
  });

  it('I-133: 100 values of 1 MiB come in pages of a few, never all at once', async () => {
    const { store, noted } = noting();
    await fill(store, 100, 1024 * 1024);
    const { pages } = await listed(noted, { prefix: '/k/' });
    const counts = pages.map((page) => page.kvs.length);
    expect(Math.max(...counts)).toBe(16);
    expect(counts.slice(1).every((count) => count <= 4)).toBe(true);
  });

  it('asks for long pages of short values, growing by what it has seen', async () => {
    const { store, noted, ranges } = noting();
    await fill(store, 12_000, 1);
    const { keys } = await listed(noted, { prefix: '/k/' });
    expect(keys).toHaveLength(12_000);
    expect(ranges.map(({ limit }) => limit)).toEqual([16, 256, 4096, 10_000]);
  });

  it('lists every kind of range to its end', async () => {
    const { store } = noting();
    await fill(store, 50, 1);
    await store.put({ key: '/z', value: '' });
    expect((await listed(store, { fromKey: '/k/00010' })).keys).toHaveLength(41);
    expect((await listed(store, { key: '/k/00010', end: '/k/00040' }, 7)).keys).toHaveLength(30);
    expect((await listed(store, { key: '/z' })).keys).toEqual(['/z']);
    expect((await listed(store, { prefix: '/none' })).pages).toHaveLength(1);
  });

  it('I-133: asks again in quarters when a page is too large, and gives up on a single key', async () => {
    const tooLarge = (above: number) => (request: RangeRequest) =>
      (request.limit ?? 0) > above
        ? Promise.reject(new SetpointError('TooLarge', 'more than may be received'))
        : Promise.resolve();
    const narrow = noting(tooLarge(3));
    await fill(narrow.store, 10, 1);
    expect((await listed(narrow.noted, { prefix: '/k/' })).keys).toHaveLength(10);
    expect(narrow.ranges.map(({ limit }) => limit)).toEqual([16, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    await expect(listed(noting(tooLarge(0)).noted, { prefix: '/k/' })).rejects.toMatchObject({ code: 'TooLarge' });
  });

  it('F-35: fails when its revision is compacted meanwhile', async () => {
    const { store, noted } = noting(async (_request, count, inner) => {
      if (count !== 2) return;
      await inner.put({ key: '/k/x', value: '' });
      await inner.put({ key: '/k/x', value: '' });
      await inner.compact((await inner.range({ key: 'x' })).revision);
    });
    await fill(store, 100, 1);
    await expect(listed(noted, { prefix: '/k/' })).rejects.toMatchObject({ code: 'Compacted' });
  });
});
