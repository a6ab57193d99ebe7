import type { SetpointError } from '../errors/index.ts';
import type { Revision } from '../store/port.ts';
import type { Unreadable } from './entry-decoder.ts';

/** A key whose value can't be read. Never holds the value. */
export interface QuarantinedKey {
  readonly key: string;
  readonly createRevision: Revision;
  /** The revision of the value that can't be read. */
  readonly modRevision: Revision;
  /** `Invalid`, with what was expected. */
  readonly error: SetpointError;
  /** The revision of the last good state, which the cache goes on serving; absent when there never was one. */
  readonly servedRevision?: Revision;
}

/** The record of `state`; `servedRevision` when the cache goes on with an older one. */
export function quarantinedKey(state: Unreadable, servedRevision: Revision | undefined): QuarantinedKey {
  return servedRevision === undefined ? state : { ...state, servedRevision };
}

/**
 * The keys whose current value can't be read.
 *
 * **What the cache does with them.** A key that was never good stays out of the cache. One that was keeps its last
 * good object there, and is listed here with `servedRevision`. Taking it out instead would announce a delete that
 * nobody made: one bad release of a writer would turn every object of a kind into a delete, and reconcilers and the
 * garbage collector would tear down what those objects stand for. Deletes are never made up from garbage. Serving the
 * older state is safe: it did hold, its resourceVersion is stale, so a conditional write based on it fails with
 * `Conflict`, and level-triggered work is merely late.
 *
 * A key leaves by its next good write, by its delete, and by a new incarnation, whose arrival proves that the old one
 * was deleted: then that delete is told, however bad the new value.
 */
export class Quarantine {
  #keys = new Map<string, QuarantinedKey>();

  get(key: string): QuarantinedKey | undefined {
    return this.#keys.get(key);
  }

  list(): readonly QuarantinedKey[] {
    return [...this.#keys.values()];
  }

  get size(): number {
    return this.#keys.size;
  }

  set(entry: QuarantinedKey): void {
    this.#keys.set(entry.key, entry);
  }

  /** Whether it was there. */
  delete(key: string): boolean {
    return this.#keys.delete(key);
  }

  /** Takes over what `next` holds, after a relist. */
  replace(next: Quarantine): void {
    this.#keys = next.#keys;
  }
}
