import type { Revision } from '../port.ts';
import type { ByteText, TextRange } from './byte-text.ts';
import { KeyHistory } from './key-history.ts';
import { SortedMap } from './sorted-map.ts';
import type { Version } from './version.ts';

/**
 * All keys that history still knows, living or deleted, by name and in byte order. Counts of living keys are kept in
 * the tree, so counting a range at the newest revision does not visit it.
 */
export class KeyIndex {
  readonly #byText = new Map<ByteText, KeyHistory>();
  readonly #sorted = new SortedMap<KeyHistory>((history) => (history.current ? 1 : 0));
  #bytes = 0;

  /** The bytes of all keys and values in history. */
  get bytes(): number {
    return this.#bytes;
  }

  current(text: ByteText): Version | undefined {
    return this.#byText.get(text)?.current;
  }

  at(text: ByteText, revision: Revision): Version | undefined {
    return this.#byText.get(text)?.at(revision);
  }

  /** Records a new version of a key: a put, or a deletion of a key that exists. */
  append(version: Version): void {
    this.#bytes += sizeOf(version);
    const history = this.#byText.get(version.text);
    if (!history) return this.#insert(version);
    const before = history.current ? 1 : 0;
    history.append(version);
    const after = history.current ? 1 : 0;
    if (after !== before) this.#sorted.reweigh(version.text, after - before);
  }

  /** Calls `visit` for what `range` holds at `revision` (undefined: now), in key order, until it returns false. */
  visit(range: TextRange, revision: Revision | undefined, visit: (version: Version) => boolean | void): void {
    if (range.single) {
      const version = revision === undefined ? this.current(range.start) : this.at(range.start, revision);
      if (version) visit(version);
      return;
    }
    this.#sorted.visit(range.start, range.end, (history) => {
      const version = revision === undefined ? history.current : history.at(revision);
      return version ? visit(version) : undefined;
    });
  }

  /** How many keys `range` holds now. */
  count(range: TextRange): number {
    if (range.single) return this.current(range.start) ? 1 : 0;
    return this.#sorted.weightBetween(range.start, range.end);
  }

  /** Forgets the versions of one key that nothing at or after `revision` can see. */
  compact(text: ByteText, revision: Revision): void {
    const history = this.#byText.get(text);
    if (!history) return;
    for (const version of history.compact(revision)) this.#bytes -= sizeOf(version);
    if (!history.isEmpty) return;
    this.#byText.delete(text);
    this.#sorted.delete(text);
  }

  #insert(version: Version): void {
    const history = new KeyHistory(version);
    this.#byText.set(version.text, history);
    this.#sorted.insert(version.text, history);
  }
}

function sizeOf(version: Version): number {
  return version.text.length + version.value.length;
}
