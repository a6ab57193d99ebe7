import type { Revision } from '../port.ts';
import { isTombstone, type Version } from './version.ts';

/** Lists shorter than this are replaced instead of added to: an array that grows makes room for seventeen. */
const GROWING_FROM = 8;

/**
 * Everything that is still known of one key, oldest first. A transaction may write a key twice (a put, then a delete
 * by a nested transaction), so two neighbours can share a revision; the later one is what a read at it sees.
 */
export class KeyHistory {
  #versions: Version[];

  constructor(first: Version) {
    this.#versions = [first];
  }

  /** The newest version if the key exists now. */
  get current(): Version | undefined {
    return livingOr(this.#versions.at(-1));
  }

  /** What a read at `revision` sees, which must not lie below the last compaction. */
  at(revision: Revision): Version | undefined {
    return livingOr(this.#versions[this.#lastAt(revision)]);
  }

  append(version: Version): void {
    if (this.#versions.length < GROWING_FROM) this.#versions = [...this.#versions, version];
    else this.#versions.push(version);
  }

  /**
   * Drops what no read at `revision` or later can see: all versions before the one that is current at `revision`, and
   * that one too when it is a deletion. Returns the dropped ones; says through {@link isEmpty} when nothing is left.
   */
  compact(revision: Revision): readonly Version[] {
    const last = this.#lastAt(revision);
    if (last < 0) return [];
    return this.#versions.splice(0, isTombstone(this.#versions[last]!) ? last + 1 : last);
  }

  get isEmpty(): boolean {
    return this.#versions.length === 0;
  }

  /** The index of the last version at or before `revision`, −1 when there is none. */
  #lastAt(revision: Revision): number {
    let low = 0;
    let high = this.#versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#versions[middle]!.modRevision <= revision) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function livingOr(version: Version | undefined): Version | undefined {
  return version === undefined || isTombstone(version) ? undefined : version;
}
