import type { KeyValue } from './port.ts';

/** Kubernetes' own etcd layer lists in pages of so many keys. */
export const PAGE_KEYS_MAX = 10_000;

/** Large enough to spare the server recounting the range for each page, small enough not to show in memory. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** Nothing is known yet about how large the values are: so many of the largest that etcd takes are 24 MiB. */
const FIRST_PAGE_KEYS = 16;

/** A page says how large values are, but may have met the small ones: the next is at most so many times as long. */
const GROWTH_MAX = 16;

export function firstPageSize(pageKeysMax: number, known: number = FIRST_PAGE_KEYS): number {
  return Math.min(Math.max(known, FIRST_PAGE_KEYS), pageKeysMax);
}

/** How many keys of at most so many bytes, value included, come to a page of about 4 MiB. */
export function keysThatFit(bytesMax: number): number {
  return Math.max(1, Math.floor(PAGE_BYTES / Math.max(bytesMax, 1)));
}

/** As many keys as come to about 4 MiB, by the mean size of the last page. */
export function nextPageSize(page: readonly KeyValue[], pageKeysMax: number): number {
  const bytes = page.reduce((sum, kv) => sum + kv.key.length + kv.value.length, 0);
  const fitting = Math.floor((PAGE_BYTES * page.length) / Math.max(bytes, 1));
  return Math.min(Math.max(fitting, 1), GROWTH_MAX * Math.max(page.length, 1), pageKeysMax);
}

/** A quarter, for a page that was too much. */
export function smallerPageSize(pageSize: number): number {
  return Math.max(1, Math.floor(pageSize / 4));
}
