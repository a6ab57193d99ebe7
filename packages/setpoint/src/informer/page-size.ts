import type { KeyValue } from '../store/port.ts';

/** The first page is small: nothing is known yet about how large the values are. */
const FIRST_PAGE_KEYS = 500;

/** Large enough to spare the server recounting the range for each page, small enough for a receive limit. */
const PAGE_BYTES = 4 * 1024 * 1024;

export function firstPageSize(pageSizeMax: number): number {
  return Math.min(FIRST_PAGE_KEYS, pageSizeMax);
}

/** As many keys as come to about 4 MiB, by the mean size of the last page. */
export function nextPageSize(page: readonly KeyValue[], pageSizeMax: number): number {
  const bytes = page.reduce((sum, kv) => sum + kv.key.length + kv.value.length, 0);
  const fitting = Math.floor((PAGE_BYTES * page.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, 1), pageSizeMax);
}

/** A quarter, for a page that was too much. */
export function smallerPageSize(pageSize: number): number {
  return Math.max(1, Math.floor(pageSize / 4));
}
