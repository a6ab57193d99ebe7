import type { KeyValue, Revision } from '../store/port.ts';
import { type CacheChange, changesBetween } from './change.ts';
import { type EntryDecoder, isUnreadable } from './entry-decoder.ts';
import type { Indexer } from './indexer.ts';
import type { Entry } from './lister.ts';
import { Quarantine, quarantinedKey } from './quarantine.ts';

/**
 * A list as it is gathered, beside the cache that it will replace, together with what that will change. The cache
 * doesn't move meanwhile: its only writer is busy listing.
 */
export class StagedList<T> {
  readonly entries: Indexer<T>;
  readonly quarantine = new Quarantine();
  readonly #old: Indexer<T>;
  readonly #decoder: EntryDecoder<T>;
  /** Equal revisions mean equal states. Not so between two histories. */
  readonly #sameHistory: boolean;
  readonly #deletes: CacheChange<T>[] = [];
  readonly #others: CacheChange<T>[] = [];

  constructor(old: Indexer<T>, decoder: EntryDecoder<T>, sameHistory: boolean) {
    this.entries = old.emptyCopy();
    this.#old = old;
    this.#decoder = decoder;
    this.#sameHistory = sameHistory;
  }

  /** Takes in one listed key. What hasn't changed since is taken over without being read again. */
  add(kv: KeyValue): void {
    const name = this.#decoder.nameOf(kv.key);
    const old = this.#old.entry(name);
    const key = old?.key ?? name;
    const sameIncarnation = old?.createRevision === kv.createRevision;
    if (this.#sameHistory && sameIncarnation && old?.modRevision === kv.modRevision) return this.entries.set(old);
    const state = this.#decoder.decode(kv, key, old);
    if (isUnreadable(state)) {
      const served = sameIncarnation ? old : undefined;
      if (served) this.entries.set(served);
      this.quarantine.set(quarantinedKey(state, served?.modRevision));
      return;
    }
    this.entries.set(state);
    for (const change of changesBetween(old, state, kv.modRevision)) {
      (change.after ? this.#others : this.#deletes).push(change);
    }
  }

  /** Call it for each old entry once the list is all in: what is in the list no more was deleted. */
  compare(old: Entry<T>, revision: Revision): void {
    if (!this.entries.has(old.key)) this.#deletes.push(...changesBetween(old, undefined, revision));
  }

  /** Deletes first, so that whoever counts never counts an object twice. */
  get changes(): readonly CacheChange<T>[] {
    return [...this.#deletes, ...this.#others];
  }

  get counts(): { readonly added: number; readonly updated: number; readonly deleted: number } {
    const updated = this.#others.filter((change) => change.before).length;
    return { added: this.#others.length - updated, updated, deleted: this.#deletes.length };
  }
}
