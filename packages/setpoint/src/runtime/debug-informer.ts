import type { Informer } from '../informer/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { ResourceObject } from '../resource/index.ts';

/** An informer as the debug pages show it: names, keys, counts and codes. */
export function describeInformer(informer: Informer<ResourceObject>, clock: Clock): object {
  const { name, prefix, phase, hasSynced, held, revision, stalledSince, lag, counts, lister, quarantined } = informer;
  return {
    name,
    prefix,
    phase,
    synced: hasSynced,
    held,
    revision,
    stalledForMs: stalledSince === undefined ? undefined : clock.now() - stalledSince,
    lagRevisions: lag.revisions,
    lagMs: lag.ms,
    objects: lister.size,
    counts,
    quarantined: quarantined.map(({ key, modRevision, error }) => ({ key, revision: modRevision, code: error.code })),
  };
}
