import type { ResourceObject } from '../resource/index.ts';
import type { IndexFunction } from './value-index.ts';

/** As much of an object as the indexes here look at. */
type Labelled = { readonly metadata: Pick<ResourceObject['metadata'], 'labels'> };
type Owned = { readonly metadata: Pick<ResourceObject['metadata'], 'ownerReferences'> };

/**
 * Files objects by the first segment of their key, which for namespaced kinds is the namespace. Keys of one segment
 * are under no value.
 */
export const namespaceIndex: IndexFunction<unknown> = (_object, key) => {
  const slash = key.indexOf('/');
  return slash < 0 ? [] : [key.slice(0, slash)];
};

/** Files objects by the value of one label; those without it are under no value. */
export function labelIndex(label: string): IndexFunction<Labelled> {
  return ({ metadata: { labels } }) => (labels && Object.hasOwn(labels, label) ? [labels[label]!] : []);
}

/** Files objects by the uid of each of their owners. */
export const ownerIndex: IndexFunction<Owned> = ({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? [];
