import type { Lister } from '../../informer/index.ts';
import { type AnyResourceDefinition, objectKey, type ResourceObject } from '../../resource/index.ts';
import type { WorldState } from './state.ts';

/** How a cache at rest differs from what is stored, in words; undefined when it does not. */
export function cacheDifference(
  state: WorldState,
  kind: AnyResourceDefinition,
  lister: Lister<ResourceObject>,
): string | undefined {
  const stored = state.list(kind) as unknown as readonly ResourceObject[];
  for (const { metadata } of stored) {
    const key = objectKey(metadata);
    const cached = lister.get(key)?.metadata.resourceVersion;
    if (cached === metadata.resourceVersion) continue;
    return `has ${key} at revision ${cached ?? 'none'} at rest, and it is stored at ${metadata.resourceVersion}`;
  }
  const left = lister.size - stored.length;
  return left > 0 ? `has ${left} objects at rest that are not stored` : undefined;
}
