import { type LinkedAbort, linkedAbort } from './linked-abort.ts';

/**
 * The end of one piece of work, whose AbortSignal is made when somebody first asks for it: making one costs as much as
 * a reconcile that finds nothing to do, and few of those look at theirs.
 */
export class LazyAbort {
  #made: LinkedAbort | undefined;
  #end: { readonly reason: unknown } | undefined;

  get aborted(): boolean {
    return this.#end !== undefined;
  }

  get signal(): AbortSignal {
    if (!this.#made) {
      this.#made = linkedAbort();
      if (this.#end) this.#made.abort(this.#end.reason);
    }
    return this.#made.signal;
  }

  /** Only the first call counts. */
  abort(reason: unknown): void {
    if (this.#end) return;
    this.#end = { reason };
    this.#made?.abort(reason);
  }
}
