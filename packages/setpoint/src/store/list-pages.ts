import { isSetpointError, SetpointError } from '../errors/index.ts';
import { isWithoutEnd, keyRange } from './key-range.ts';
import { firstPageSize, nextPageSize, PAGE_KEYS_MAX, smallerPageSize } from './page-size.ts';
import type { CallOptions, KeySelector, RangeResponse, Revision, Store } from './port.ts';

export interface ListPagesOptions extends CallOptions {
  /** At most so many keys in one page; a page is also kept to about 4 MiB. Default 10,000. */
  readonly pageKeysMax?: number;
  /**
   * How many keys the first page takes, by someone who knows about how large the values are: see {@link keysThatFit}.
   * Default, and at least, 16; then more by what they show.
   */
  readonly firstPageKeys?: number | undefined;
  /** Reads the range as it was at this revision. Default: as it is. */
  readonly revision?: Revision | undefined;
}

/**
 * Lists a range in key order, in pages of about 4 MiB that are all of one revision: the one asked for, or else that of the
 * first, which each page names. So any number of keys of any size can be gone through without holding more than a page of them.
 *
 * Fails as `range` does, with `Invalid` for a `pageKeysMax` below 1; with `Compacted` when the store forgets the revision meanwhile, and the list has to start
 * anew. A page that proves too large (`TooLarge`) is asked for again in quarters.
 */
export async function* listPages(
  store: Pick<Store, 'range'>,
  selector: KeySelector,
  { pageKeysMax = PAGE_KEYS_MAX, firstPageKeys, revision: asked, ...call }: ListPagesOptions = {},
): AsyncGenerator<RangeResponse, void, void> {
  checkPageKeys(pageKeysMax);
  const { end } = keyRange(selector);
  let [rest, limit, limitMax] = [selector, firstPageSize(pageKeysMax, firstPageKeys), pageKeysMax];
  let revision = asked;
  for (;;) {
    try {
      const page = await store.range({ ...rest, limit, ...(revision === undefined ? {} : { revision }) }, call);
      revision ??= page.revision;
      yield page.revision === revision ? page : { ...page, revision };
      const last = page.kvs.at(-1);
      if (!page.more || !last) return;
      rest = keysAfter(last.key, end);
      limit = nextPageSize(page.kvs, limitMax);
    } catch (error) {
      if (!isSetpointError(error, 'TooLarge') || limit === 1) throw error;
      limit = limitMax = smallerPageSize(limit);
    }
  }
}

function checkPageKeys(pageKeysMax: number): void {
  if (Number.isSafeInteger(pageKeysMax) && pageKeysMax >= 1) return;
  const text = `listPages.pageKeysMax: expected a whole number from 1, received ${String(pageKeysMax)}`;
  throw new SetpointError('Invalid', text, { details: { path: 'listPages.pageKeysMax' } });
}

/** What is left of a range that ends at `end`, behind `key`. */
function keysAfter(key: Uint8Array, end: Uint8Array | undefined): KeySelector {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return end === undefined || isWithoutEnd(end) ? { fromKey: next } : { key: next, end };
}
