import type { Metrics } from '../internal/metrics.ts';
import type { ListReason } from './reflector-state.ts';

/** How far a cache may be behind the store. */
export interface CacheLag {
  /**
   * How many revisions the store was ahead when the last audit looked, less what came since. Revisions of other keys
   * count where the store sends no progress marks, so a quiet prefix of an old etcd shows some.
   */
  readonly revisions: bigint;
  /** Milliseconds since something last proved that the cache has everything: a list, a batch, a mark, a comparison. */
  readonly ms: number;
}

/** What is read off an informer when metrics are asked for. */
export interface CacheReadings {
  size(): number;
  quarantined(): number;
  lag(): CacheLag;
  synced(): boolean;
  /** How many keys wait for handlers. */
  pending(): number;
}

/** What an informer counts under its name; two of one name add up. */
export function informerMetrics(metrics: Metrics, informer: string) {
  const labels = ['informer'];
  const counter = (name: string, help: string) =>
    metrics.counter({ name: `setpoint_informer_${name}`, help, labels }).with({ informer });
  const gauge = (name: string, help: string, combine: 'sum' | 'max' = 'sum') =>
    metrics.gauge({ name: `setpoint_informer_${name}`, help, labels, combine }).with({ informer });
  const lists = metrics.counter({
    name: 'setpoint_informer_lists_total',
    help: 'Whole lists of a cache, by what made them necessary',
    labels: ['informer', 'reason'],
  });
  const failures = metrics.counter({
    name: 'setpoint_informer_failures_total',
    help: 'Failures that an informer lived on with, by where they happened',
    labels: ['informer', 'during'],
  });
  const objects = gauge('objects', 'Objects in the cache');
  const quarantined = gauge('quarantined_keys', 'Keys whose stored value can not be read');
  const synced = gauge('synced', 'Whether the cache is whole: 1 or 0, summed over informers of one name');
  const pending = gauge('pending_keys', 'Keys with changes that some handler was not told yet');
  const lagSeconds = gauge('lag_seconds', 'Seconds since something proved that the cache has everything', 'max');
  const lagRevisions = gauge(
    'lag_revisions',
    'Revisions that the store was ahead at the last comparison, less what came since',
    'max',
  );
  const audits = counter('audits_total', 'Comparisons of the cache with the store');
  const diverged = counter('diverged_keys_total', 'Keys of which a comparison found that the cache was wrong');
  return {
    listed: (reason: ListReason) => lists.with({ informer, reason }).inc(),
    failed: (during: string) => failures.with({ informer, during }).inc(),
    audited(divergedKeys: number): void {
      audits.inc();
      diverged.inc(divergedKeys);
    },
    /** Shows the readings until the returned function is called. */
    show(readings: CacheReadings): () => void {
      const shown = [
        objects.read(() => readings.size()),
        quarantined.read(() => readings.quarantined()),
        synced.read(() => (readings.synced() ? 1 : 0)),
        pending.read(() => readings.pending()),
        lagSeconds.read(() => readings.lag().ms / 1000),
        lagRevisions.read(() => Number(readings.lag().revisions)),
      ];
      return () => shown.forEach((hide) => hide());
    },
  };
}
