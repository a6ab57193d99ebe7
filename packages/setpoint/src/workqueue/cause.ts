import { changedPaths } from '../internal/changed-paths.ts';

/**
 * Why a key is to be looked at. For people and for the loop detector, never for the reconciler's decisions: causes are
 * bounded and merged, the state of the world is not.
 */
export interface Cause {
  /**
   * - `event`: something changed, see `change`.
   * - `requeue`: a run asked for another one.
   * - `retry`: a run failed, for the `failure`th time in a row.
   * - `resync`: time has passed.
   * - `manual`: somebody asked.
   * - `more`: the causes that there was no room for, counted.
   */
  readonly type: 'event' | 'requeue' | 'retry' | 'resync' | 'manual' | 'more';
  /** Which source or caller it comes from: for caches, the kind. */
  readonly source?: string;
  /** The key of the object that changed, which may be another one than the key that is looked at. */
  readonly object?: string;
  readonly change?: 'initial' | 'add' | 'update' | 'delete';
  /** The store's revision of the (last) change. */
  readonly revision?: bigint;
  /** The fields that differ between the state before the first and after the last of these changes; eight at most. */
  readonly paths?: readonly string[];
  /** For `retry`: how many failures in a row. */
  readonly failure?: number;
  /** How many causes that differ in nothing but revision and paths were merged into this one. */
  readonly count: number;
}

/** A cause as it is given to the queue. */
export interface CauseInput extends Omit<Cause, 'count' | 'paths' | 'type'> {
  readonly type: Exclude<Cause['type'], 'more'>;
  /** The states around the change, from which the paths are computed when somebody looks; held until then. */
  readonly states?: { readonly before: unknown; readonly after: unknown };
}

/** So many different causes are kept of a key; further ones are counted. */
export const CAUSES_MAX = 8;

type Kept = { -readonly [Field in keyof CauseInput]: CauseInput[Field] } & { count: number };

/** The causes of one key from its first add to its hand-out, merged and bounded. */
export class Causes {
  readonly #kept: Kept[] = [];
  #more = 0;
  #told: readonly Cause[] | undefined;

  add(cause: CauseInput): void {
    this.#told = undefined;
    const same = this.#kept.find((kept) => isSame(kept, cause));
    if (same) merge(same, cause);
    else if (this.#kept.length < CAUSES_MAX) this.#kept.push({ ...cause, count: 1 });
    else this.#more++;
  }

  /** The causes in the order in which each first came. Computed once; what it was computed from is then let go. */
  list(): readonly Cause[] {
    if (this.#told) return this.#told;
    const told: Cause[] = this.#kept.map(({ states, ...cause }) =>
      states ? { ...cause, paths: changedPaths(states.before, states.after) } : cause,
    );
    if (this.#more > 0) told.push({ type: 'more', count: this.#more });
    return (this.#told = told);
  }

  /** {@link list}, after which nothing may be added: lets go of the states. */
  close(): readonly Cause[] {
    const told = this.list();
    this.#kept.length = 0;
    return told;
  }
}

function isSame(kept: Kept, cause: CauseInput): boolean {
  return (
    kept.type === cause.type &&
    kept.object === cause.object &&
    kept.source === cause.source &&
    kept.change === cause.change
  );
}

/** The newer revision counts, and the change from the first state before to the last one after. */
function merge(kept: Kept, cause: CauseInput): void {
  kept.count++;
  if (cause.revision !== undefined) kept.revision = cause.revision;
  if (cause.failure !== undefined) kept.failure = cause.failure;
  if (kept.states && cause.states) kept.states = { before: kept.states.before, after: cause.states.after };
}
