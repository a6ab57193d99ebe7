import { SetpointError } from '../errors/index.ts';
import { checkOptionNames } from '../resource/index.ts';
import type { Revision } from '../store/port.ts';
import type { CacheChange } from './change.ts';

/** When so much goes at once that somebody should look before anything acts on it. */
export interface MassDeleteOptions {
  /** The part of the cache, above 0 and below 1, of which more has to go in one revision. Default 0.5. */
  readonly share?: number;
  /** Fewer objects never count. Default 100. */
  readonly least?: number;
}

/** More of a cache went in one revision, or between two lists, than the guard lets pass unseen. */
export interface MassDelete {
  readonly revision: Revision;
  readonly deleted: number;
  /** How many objects there were before. */
  readonly of: number;
}

const OPTIONS: readonly string[] = ['share', 'least'] satisfies (keyof MassDeleteOptions)[];
const DEFAULTS: Required<MassDeleteOptions> = { share: 0.5, least: 100 };

/** The options checked and with their defaults; undefined for `false`. Throws `Invalid`. */
export function massDeleteLimits(given: MassDeleteOptions | boolean = true): Required<MassDeleteOptions> | undefined {
  if (given === false) return undefined;
  if (given !== true) checkOptionNames('informer option massDelete', given, OPTIONS);
  const limits = { ...DEFAULTS, ...(given === true ? {} : given) };
  if (!(limits.share > 0 && limits.share < 1)) throw invalid('share', 'a number above 0 and below 1', limits.share);
  if (!Number.isInteger(limits.least) || limits.least < 1) {
    throw invalid('least', 'a whole number of at least 1', limits.least);
  }
  return limits;
}

/**
 * Whether `changes`, which led to a cache of `size` objects, delete too much in one revision. Objects that went one by
 * one don't count, however many; nor does a key that was created again before anybody saw it gone.
 */
export function massDeleteIn<T>(
  changes: readonly CacheChange<T>[],
  size: number,
  { share, least }: Required<MassDeleteOptions>,
): MassDelete | undefined {
  if (changes.length < least) return undefined;
  const gone = new Map<Revision, number>();
  const count = (revision: Revision, more: number) => gone.set(revision, (gone.get(revision) ?? 0) + more);
  const deletedAt = new Map<string, Revision>();
  let [added, deleted] = [0, 0];
  for (const { key, before, after, revision } of changes) {
    if (!after) {
      deleted++;
      deletedAt.set(key, revision);
      count(revision, 1);
    } else if (!before) {
      added++;
      // A new incarnation is a delete and an add at one revision; a list tells the add after all deletes.
      if (deletedAt.get(key) === revision) count(revision, -1);
    }
  }
  const before = size + deleted - added;
  for (const [revision, lost] of gone) {
    if (lost >= least && lost > before * share) return { revision, deleted: lost, of: before };
  }
  return undefined;
}

function invalid(option: string, expected: string, received: unknown): SetpointError {
  return new SetpointError(
    'Invalid',
    `informer option massDelete.${option}: expected ${expected}, received ${String(received)}`,
  );
}
