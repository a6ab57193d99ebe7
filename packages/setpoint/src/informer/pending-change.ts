import type { Revision } from '../store/port.ts';
import type { CacheChange } from './change.ts';
import type { EventHandler } from './event-handler.ts';
import type { Entry } from './lister.ts';

/**
 * What one handler has yet to be told of one key, as the distance between what it was told and what is: any number of
 * changes in between add up to the same three fields.
 *
 * | told | gone | now | calls              |
 * | ---- | ---- | --- | ------------------ |
 * | no   | -    | yes | add(now)           |
 * | yes  | no   | yes | update(told, now)  |
 * | yes  | yes  | no  | delete(gone)       |
 * | yes  | yes  | yes | delete(gone), add(now) |
 * | no   | -    | no  | none: it came and went |
 */
export class PendingChange<T> {
  /** The add belongs to the handler's initial list. */
  readonly initial: boolean;
  #told: Entry<T> | undefined;
  /** The last state of the incarnation that was told, once that is over. */
  #gone: Entry<T> | undefined;
  #goneRevision: Revision = 0n;
  #now: Entry<T> | undefined;

  constructor(first: CacheChange<T>, initial: boolean) {
    this.initial = initial;
    this.#told = first.before;
    this.merge(first);
  }

  /** Adds a later change of the same key. */
  merge(change: CacheChange<T>): void {
    this.#now = change.after;
    if (change.after || !this.#told || this.#gone) return;
    this.#gone = change.before;
    this.#goneRevision = change.revision;
  }

  /** The state to tell, where there is one. */
  get now(): Entry<T> | undefined {
    return this.#now;
  }

  /** The incarnation that was told is over. */
  get isOver(): boolean {
    return this.#gone !== undefined;
  }

  /** What counted as told was not: what is, is an add, and what is gone needs no delete. */
  untold(): void {
    this.#told = this.#gone = undefined;
  }

  /** Nothing is left to tell. */
  get isNothing(): boolean {
    return !this.#told && !this.#now;
  }

  /** The calls to make, in order. */
  *calls(handler: EventHandler<T>): Generator<() => unknown> {
    const [told, gone, now] = [this.#told, this.#gone, this.#now];
    const key = (told ?? now)?.key ?? '';
    if (gone) yield () => handler.delete?.(gone.object, { key, revision: this.#goneRevision });
    if (!now) return;
    const info = { key, revision: now.modRevision };
    if (told && !gone) yield () => handler.update?.(told.object, now.object, info);
    else yield () => handler.add?.(now.object, { ...info, inInitialList: this.initial });
  }
}
