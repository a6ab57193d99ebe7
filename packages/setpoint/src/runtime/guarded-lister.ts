import type { Lister } from '../informer/index.ts';
import { objectKey, type ObjectMeta } from '../resource/index.ts';
import type { Revision } from '../store/index.ts';

/**
 * A lister that tells of every object that it hands out, and of every name that it was asked for in vain (revision 0):
 * what a transactional run is based on. Keys, the size and what an index did not have are not told.
 */
export function guardedLister<T extends { readonly metadata: ObjectMeta }>(
  lister: Lister<T>,
  guard: (key: string, modRevision: Revision) => void,
): Lister<T> {
  const told = (key: string): T | undefined => {
    const entry = lister.entry(key);
    guard(key, entry?.modRevision ?? 0n);
    return entry?.object;
  };
  return {
    get: told,
    has: (key) => told(key) !== undefined,
    entry: (key) => {
      told(key);
      return lister.entry(key);
    },
    list: () => Array.from(lister.keys(), (key) => told(key)!),
    keys: () => lister.keys(),
    get size() {
      return lister.size;
    },
    byIndex(index, value) {
      const objects = lister.byIndex(index, value);
      for (const { metadata } of objects) told(objectKey(metadata));
      return objects;
    },
  };
}
