import { changedPaths, PATHS_MAX } from '../internal/changed-paths.ts';

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

type Kept = { -readonly [Field in keyof CauseInput]: CauseInput[Field] } & { count: number; paths?: readonly string[] };

/** The causes of one key from its first add to its hand-out, merged and bounded. */
export class Causes {
  readonly #kept: Kept[] = [];
  #more = 0;

  add(cause: CauseInput): void {
    this.#merge({ ...cause, count: 1 });
  }

  /** Adds everything of `later`. */
  addAll(later: Causes): void {
    for (const kept of later.#kept) this.#merge({ ...kept });
    this.#more += later.#more;
  }

  /** The causes in the order in which each first came. Lets go of the states that they were computed from. */
  list(): readonly Cause[] {
    const told = this.#kept.map((kept): Cause => {
      const { states, ...cause } = kept;
      if (states === undefined) return cause;
      delete kept.states;
      return Object.assign(cause, { paths: (kept.paths = pathsOf(kept, states)) });
    });
    return this.#more > 0 ? [...told, { type: 'more', count: this.#more }] : told;
  }

  /** The newer revision counts, and the change from the first state before to the last one after. */
  #merge(cause: Kept): void {
    const same = this.#kept.find((kept) => isSame(kept, cause));
    if (same === undefined) {
      if (this.#kept.length < CAUSES_MAX) this.#kept.push(cause);
      else this.#more += cause.count;
      return;
    }
    same.count += cause.count;
    if (cause.revision !== undefined) same.revision = cause.revision;
    if (cause.failure !== undefined) same.failure = cause.failure;
    if (cause.paths) same.paths = union(same.paths, cause.paths);
    if (cause.states) same.states = { before: (same.states ?? cause.states).before, after: cause.states.after };
  }
}

function pathsOf({ paths }: Kept, { before, after }: { readonly before: unknown; readonly after: unknown }) {
  return union(paths, changedPaths(before, after));
}

function union(paths: readonly string[] = [], more: readonly string[]): readonly string[] {
  return [...new Set([...paths, ...more])].slice(0, PATHS_MAX);
}

function isSame(kept: Kept, cause: Kept): boolean {
  return (
    kept.type === cause.type &&
    kept.object === cause.object &&
    kept.source === cause.source &&
    kept.change === cause.change
  );
}
