import type { ClientOptions } from '../client/index.ts';
import { SetpointError } from '../errors/index.ts';
import { createInformer, type Informer, type MassDeleteOptions } from '../informer/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import type { Runnable } from '../manager/index.ts';
import {
  type AnyResourceDefinition,
  keyPrefix,
  type ObjectOf,
  resourceCodec,
  type ResourceObject,
} from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import { describeInformer } from './debug-informer.ts';
import { MANAGER_INDEX, managerUid } from './owned-objects.ts';

export interface KindCachesOptions {
  readonly store: Store;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Runs a cache that was just made. */
  readonly onCreate: (cache: Runnable) => void;
  readonly transformerOf?: ClientOptions['transformerOf'];
  /** As in the options of an informer. */
  readonly massDelete?: MassDeleteOptions | boolean;
  /** How long a cache may take to be complete before that fails the start. */
  readonly cacheSyncTimeoutMs: number;
}

/** One shared informer for each kind, made when it is first asked for. */
export class KindCaches {
  /** By key segment, which two kinds can't share: their objects would lie among each other. */
  readonly #byPlural = new Map<
    string,
    { readonly definition: AnyResourceDefinition; readonly informer: Informer<ResourceObject> }
  >();
  readonly #options: KindCachesOptions;

  constructor(options: KindCachesOptions) {
    this.#options = options;
  }

  /** The kind's informer, made and started if need be. Throws `Invalid` when another kind has its plural. */
  informer<Kind extends AnyResourceDefinition>(definition: Kind): Informer<ObjectOf<Kind>> {
    const known = this.find(definition);
    if (known) return known;
    const { store, prefix, clock, random, logger, metrics, transformerOf, massDelete } = this.#options;
    const informer = createInformer<ResourceObject>({
      store,
      prefix: keyPrefix(definition, prefix),
      codec: resourceCodec(definition, prefix, transformerOf?.(definition)),
      name: definition.kind,
      indexes: { [MANAGER_INDEX]: managerUid },
      ...(massDelete !== undefined && { massDelete }),
      clock,
      random,
      logger,
      metrics,
    });
    // First: a manager that has stopped refuses it, and a cache that nobody runs must not be found by the next who asks.
    this.#options.onCreate(this.#runnable(informer));
    this.#byPlural.set(definition.plural, { definition, informer });
    return informer as unknown as Informer<ObjectOf<Kind>>;
  }

  /** The kind's informer if there is one. */
  find<Kind extends AnyResourceDefinition>(definition: Kind): Informer<ObjectOf<Kind>> | undefined {
    const known = this.#byPlural.get(definition.plural);
    if (known && known.definition !== definition) refuseOther(known.definition, definition);
    return known?.informer as Informer<ObjectOf<Kind>> | undefined;
  }

  /** Every kind that has a cache. */
  list(): readonly { readonly definition: AnyResourceDefinition; readonly informer: Informer<ResourceObject> }[] {
    return [...this.#byPlural.values()];
  }

  #runnable(informer: Informer<ResourceObject>): Runnable {
    const { cacheSyncTimeoutMs: timeoutMs, clock } = this.#options;
    return {
      name: `cache of ${informer.name}`,
      run: (signal) => informer.run(signal),
      ready: (signal) => syncedWithin(informer, timeoutMs, clock, signal),
      busyWith: () => (informer.phase === 'watching' ? [] : [informer.phase]),
      debug: () => ({ informers: describeInformer(informer, clock) }),
    };
  }
}

/** Resolves when the cache is complete; rejects with `Timeout` naming the kind. */
async function syncedWithin(
  informer: Informer<ResourceObject>,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const decided = linkedAbort(signal);
  const late = sleep(clock, timeoutMs, decided.signal).then(() => {
    if (decided.signal.aborted) return;
    throw new SetpointError(
      'Timeout',
      `no complete cache of ${informer.name} within ${timeoutMs} ms: is the store reachable? cacheSyncTimeoutMs waits longer`,
    );
  });
  try {
    await Promise.race([informer.whenSynced(decided.signal), late]);
  } finally {
    decided.abort(undefined);
    decided.unlink();
  }
}

function refuseOther(known: AnyResourceDefinition, definition: AnyResourceDefinition): void {
  const which = (each: AnyResourceDefinition): string => `${each.kind} of ${each.apiVersion}`;
  throw new SetpointError(
    'Invalid',
    `two definitions have the plural '${known.plural}': ${which(known)} and ${which(definition)}. ` +
      'Their objects would lie under one prefix: use one definition everywhere, or another plural',
  );
}
