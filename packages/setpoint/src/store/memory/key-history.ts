import type { KeyValue, Revision } from '../port.ts';
import type { ByteText } from './byte-text.ts';

/** A deletion is kept as a version of the key: version 0, which no living key has. */
export function isTombstone(kv: KeyValue): boolean {
  return kv.version === 0n;
}

/**
 * Everything that is still known of one key, oldest first. A transaction may write a key twice (a put, then a delete
 * by a nested transaction), so two neighbours can share a revision; the later one is what a read at it sees.
 */
export class KeyHistory {
  readonly text: ByteText;
  #versions: KeyValue[] = [];

  constructor(text: ByteText) {
    this.text = text;
  }

  /** The newest version if the key exists now. */
  get current(): KeyValue | undefined {
    return livingOr(this.#versions.at(-1));
  }

  /** What a read at `revision` sees, which must not lie below the last compaction. */
  at(revision: Revision): KeyValue | undefined {
    return livingOr(this.#versions[this.#lastAt(revision)]);
  }

  append(version: KeyValue): void {
    this.#versions.push(version);
  }

  /**
   * Drops what no read at `revision` or later can see: all versions before the one that is current at `revision`, and
   * that one too when it is a deletion. Returns the dropped ones; says through {@link isEmpty} when nothing is left.
   */
  compact(revision: Revision): readonly KeyValue[] {
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

function livingOr(version: KeyValue | undefined): KeyValue | undefined {
  return version === undefined || isTombstone(version) ? undefined : version;
}
