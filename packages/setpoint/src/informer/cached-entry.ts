import type { Revision } from '../store/port.ts';
import type { Entry } from './lister.ts';
import type { Placements } from './value-index.ts';

/**
 * An entry as the cache keeps it, made to be small: there may be a million. Revisions that fit are numbers within, and
 * where the indexes have it is noted here rather than in a map for each index.
 */
export class CachedEntry<T> implements Entry<T> {
  readonly key: string;
  readonly object: T;
  readonly #createRevision: number | bigint;
  readonly #modRevision: number | bigint;
  /** One for each index, in their order; absent until an {@link Indexer} has taken the entry in. */
  placements: Placements | undefined;

  constructor(key: string, object: T, createRevision: Revision, modRevision: Revision) {
    this.key = key;
    this.object = object;
    this.#createRevision = compact(createRevision);
    this.#modRevision = compact(modRevision);
    this.placements = undefined;
  }

  get createRevision(): Revision {
    return BigInt(this.#createRevision);
  }

  get modRevision(): Revision {
    return BigInt(this.#modRevision);
  }

  /** Whether both are states of one incarnation: {@link createRevision}, without a bigint made for it. */
  isSameIncarnation(other: CachedEntry<T>): boolean {
    return this.#createRevision === other.#createRevision;
  }

  /** Whether this is the state of `modRevision` or of a later one. */
  isAtLeast(modRevision: Revision): boolean {
    return this.#modRevision >= compact(modRevision);
  }
}

/** Whether two entries of one key are states of one incarnation. */
export function isSameIncarnation<T>(one: Entry<T>, other: Entry<T>): boolean {
  if (one instanceof CachedEntry && other instanceof CachedEntry) {
    return (one as CachedEntry<T>).isSameIncarnation(other as CachedEntry<T>);
  }
  return one.createRevision === other.createRevision;
}

/** The entry for an indexer of its own: itself when none has it yet. */
export function unplaced<T>(entry: Entry<T>): CachedEntry<T> {
  if (entry instanceof CachedEntry && entry.placements === undefined) return entry;
  return new CachedEntry(entry.key, entry.object, entry.createRevision, entry.modRevision);
}

/** A bigint takes 24 bytes, a small number none. */
function compact(revision: Revision): number | bigint {
  return revision <= Number.MAX_SAFE_INTEGER ? Number(revision) : revision;
}
