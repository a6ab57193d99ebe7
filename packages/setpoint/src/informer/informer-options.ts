import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { createMetrics, type Metrics } from '../internal/metrics.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { checkOptionNames, type Codec, type DeepReadonly } from '../resource/index.ts';
import { PAGE_KEYS_MAX } from '../store/page-size.ts';
import type { Store } from '../store/port.ts';
import { type AuditOptions, auditPace } from './audit.ts';
import { massDeleteLimits, type MassDeleteOptions } from './mass-delete.ts';
import type { Transform } from './transform.ts';
import type { IndexFunction } from './value-index.ts';

export interface InformerOptions<T> {
  readonly store: Pick<Store, 'range' | 'watch'>;
  /** What to cache: every key under it. Gets an ending '/' when it has none, so that `a` is never about `ab`. */
  readonly prefix: string;
  /** From stored values to objects. */
  readonly codec: Pick<Codec<T>, 'decode' | 'decodesFreshJson'>;
  /** Names the informer in errors and logs. Default: the prefix. */
  readonly name?: string;
  /** At most so many keys in one page of a list; a page is also kept to about 4 MiB. Default 10,000. */
  readonly pageSize?: number;
  /** Index functions by the index's name. More can be added later, see {@link Informer.addIndex}. */
  readonly indexes?: Readonly<Record<string, IndexFunction<DeepReadonly<T>>>>;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Freezes objects at every depth before they are cached, so that whoever changes one by mistake is told. Default true. */
  readonly freeze?: boolean;
  /** How the cache is compared with the store while it is followed. Default: every 5 min; `false` for never. */
  readonly audit?: AuditOptions | boolean;
  /**
   * When more than half of the cache, and at least 100 objects, goes in one revision or between two lists, handlers are
   * held until {@link Informer.release} is called: nothing tears down the world because somebody wiped a prefix. The
   * limits; `false` for no guard. Default: on.
   */
  readonly massDelete?: MassDeleteOptions | boolean;
  /** Where to count, under the informer's name. Default: nowhere. */
  readonly metrics?: Metrics;
}

/** The options of an informer that caches something else than what its codec reads. */
export interface TransformingInformerOptions<T, Cached> extends Omit<InformerOptions<Cached>, 'codec'> {
  readonly codec: Pick<Codec<T>, 'decode' | 'decodesFreshJson'>;
  readonly transform: Transform<T, Cached>;
}

/** The options of an informer that caches which keys there are, at which revisions, and no values. */
export interface KeysInformerOptions extends Omit<InformerOptions<null>, 'codec'> {
  /** Lists are read without values; those of events are dropped unread. What is cached of each key is `null`. */
  readonly keysOnly: true;
}

/** Any of them. */
export type AnyInformerOptions<Cached> = Omit<InformerOptions<Cached>, 'codec' | 'indexes'> & {
  readonly indexes?: Readonly<Record<string, IndexFunction<Cached>>>;
  readonly codec?: Pick<Codec<unknown>, 'decode' | 'decodesFreshJson'>;
  readonly transform?: Transform<never, Cached>;
  readonly keysOnly?: boolean;
};

/** The options as an informer works with them. */
export interface InformerSettings<T> extends Required<
  Omit<InformerOptions<T>, 'audit' | 'metrics' | 'codec' | 'massDelete' | 'indexes'>
> {
  readonly indexes: Readonly<Record<string, IndexFunction<T>>>;
  readonly codec: Pick<Codec<unknown>, 'decode' | 'decodesFreshJson'>;
  readonly transform: Transform<unknown, T> | undefined;
  readonly keysOnly: boolean;
  readonly audit: Required<AuditOptions> | undefined;
  readonly massDelete: Required<MassDeleteOptions> | undefined;
  readonly metrics: Metrics;
}

const OPTIONS: readonly string[] = [
  'store',
  'prefix',
  'codec',
  'name',
  'pageSize',
  'indexes',
  'clock',
  'random',
  'logger',
  'freeze',
  'audit',
  'massDelete',
  'metrics',
  'transform',
  'keysOnly',
] satisfies (keyof AnyInformerOptions<unknown>)[];

const KEYS_ONLY: Pick<Codec<null>, 'decode'> = { decode: () => null };

/** The options checked and with their defaults. Throws `Invalid`. */
export function withDefaults<T>(options: AnyInformerOptions<T>): InformerSettings<T> {
  checkOptionNames('createInformer', options, OPTIONS);
  const { store, prefix, keysOnly = false, transform, pageSize = PAGE_KEYS_MAX } = options;
  const codec = keysOnly ? KEYS_ONLY : options.codec;
  if (typeof store?.range !== 'function' || typeof store.watch !== 'function') throw invalid('store', 'a Store', store);
  if (typeof prefix !== 'string' || prefix === '') throw invalid('prefix', 'a text that is not empty', prefix);
  if (typeof codec?.decode !== 'function') throw invalid('codec', 'an object with a decode function', options.codec);
  if (transform !== undefined && typeof transform !== 'function') throw invalid('transform', 'a function', transform);
  if (!Number.isInteger(pageSize) || pageSize < 1) throw invalid('pageSize', 'a whole number of at least 1', pageSize);
  const ended = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return {
    store,
    prefix: ended,
    codec,
    transform: transform as Transform<unknown, T> | undefined,
    keysOnly,
    name: options.name ?? ended,
    pageSize,
    indexes: options.indexes ?? {},
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: steadyLogger(options.logger),
    freeze: options.freeze ?? true,
    audit: auditPace(options.audit),
    massDelete: massDeleteLimits(options.massDelete),
    metrics: options.metrics ?? createMetrics(),
  };
}

function invalid(option: string, expected: string, received: unknown): SetpointError {
  const shown =
    typeof received === 'string' || typeof received === 'number' ? JSON.stringify(received) : typeof received;
  return new SetpointError('Invalid', `informer option ${option}: expected ${expected}, received ${shown}`);
}
