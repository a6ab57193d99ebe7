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

/** A cause that is kept: what was given, added up. Its fields never come or go, which keeps it quick. */
class Kept {
  readonly type: CauseInput['type'];
  readonly source: string | undefined;
  readonly object: string | undefined;
  readonly change: CauseInput['change'] | undefined;
  revision: bigint | undefined;
  failure: number | undefined;
  states: CauseInput['states'] | undefined;
  paths: readonly string[] | undefined;
  count: number;

  constructor(input: CauseInput | Kept, count: number) {
    this.type = input.type;
    this.source = input.source;
    this.object = input.object;
    this.change = input.change;
    this.revision = input.revision;
    this.failure = input.failure;
    this.states = input.states;
    this.paths = input instanceof Kept ? input.paths : undefined;
    this.count = count;
  }

  isLike({ type, source, object, change }: Kept): boolean {
    return this.type === type && this.object === object && this.source === source && this.change === change;
  }

  /** The newer revision counts, and the change from the first state before to the last one after. */
  merge({ count, revision, failure, paths, states }: Kept): void {
    this.count += count;
    if (revision !== undefined) this.revision = revision;
    if (failure !== undefined) this.failure = failure;
    if (paths) this.paths = union(this.paths, paths);
    if (states) this.states = { before: (this.states ?? states).before, after: states.after };
  }

  /** As it is told, without the fields that say nothing. Lets go of the states that the paths are computed from. */
  told(): Cause {
    const { states } = this;
    if (states !== undefined) {
      this.states = undefined;
      const paths = changedPaths(states.before, states.after);
      this.paths = this.paths === undefined ? paths : union(this.paths, paths);
    }
    const { type, source, object, change, revision, paths, failure, count } = this;
    const cause: { -readonly [Field in keyof Cause]: Cause[Field] } = { type, count };
    if (source !== undefined) cause.source = source;
    if (object !== undefined) cause.object = object;
    if (change !== undefined) cause.change = change;
    if (revision !== undefined) cause.revision = revision;
    if (paths !== undefined) cause.paths = paths;
    if (failure !== undefined) cause.failure = failure;
    return cause;
  }
}

/** The causes of one key from its first add to its hand-out, merged and bounded. */
export class Causes {
  readonly #kept: Kept[] = [];
  #more = 0;

  add(cause: CauseInput): void {
    this.#merge(new Kept(cause, 1));
  }

  /** Adds everything of `later`. */
  addAll(later: Causes): void {
    for (const kept of later.#kept) this.#merge(new Kept(kept, kept.count));
    this.#more += later.#more;
  }

  /** The causes in the order in which each first came. Lets go of the states that they were computed from. */
  list(): readonly Cause[] {
    const told = this.#kept.map((kept) => kept.told());
    return this.#more > 0 ? [...told, { type: 'more', count: this.#more }] : told;
  }

  #merge(cause: Kept): void {
    const same = this.#kept.find((kept) => kept.isLike(cause));
    if (same !== undefined) same.merge(cause);
    else if (this.#kept.length < CAUSES_MAX) this.#kept.push(cause);
    else this.#more += cause.count;
  }
}

function union(paths: readonly string[] = [], more: readonly string[]): readonly string[] {
  return [...new Set([...paths, ...more])].slice(0, PATHS_MAX);
}
