import { type Client, type ClientOptions, createClient } from '../client/index.ts';
import { LeaderElector } from '../coordination/index.ts';
import { isSetpointError } from '../errors/index.ts';
import { createGarbageCollector } from '../garbage-collection/index.ts';
import type { Clock } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Logger } from '../internal/logger.ts';
import type { Metrics } from '../internal/metrics.ts';
import type { Random } from '../internal/random.ts';
import type { Runnable } from '../manager/index.ts';
import type { Store } from '../store/index.ts';
import { coordinationPrefix } from './coordinated.ts';
import type { KindCaches } from './kind-caches.ts';
import { caughtUpWith } from './caught-up.ts';

export interface ElectedCollectorOptions extends Pick<ClientOptions, 'transformerOf'> {
  /** Of the replicas that share keys under this name one collects. */
  readonly name: string;
  readonly identity?: string;
  readonly store: Store;
  readonly prefix: string;
  readonly caches: KindCaches;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * The garbage collector of replicas that share their keys: it looks at objects of all keys, so that one of them does, and
 * another one takes over. Each term is a collector of its own, with a client that carries the term's leadership.
 */
export function electedCollector(options: ElectedCollectorOptions): Runnable {
  const { name, identity, store, prefix, caches, clock, random, logger, metrics, transformerOf } = options;
  const common = { clock, random, logger };
  const term = async (signal: AbortSignal): Promise<void> => {
    const elector = new LeaderElector({
      ...common,
      store,
      name: `${name}-garbage-collector`,
      prefix: coordinationPrefix(prefix),
      ...(identity === undefined ? {} : { identity }),
    });
    const life = linkedAbort(signal);
    const collecting = elector.whenLeading().then(async ({ ownership }) => {
      const link = linkedAbort(life.signal, ownership.signal);
      try {
        await caughtUpWith(options, ownership.heldSince, link.signal);
        const client: Client = createClient({ store: ownership.store, prefix, clock, random, transformerOf });
        await createGarbageCollector({ ...common, metrics, client, kinds: caches.list() }).run(link.signal);
      } finally {
        link.unlink();
      }
    });
    collecting.catch(() => {}); // ends with the term, whose end is told below
    try {
      await elector.run(life.signal);
    } finally {
      life.abort(undefined);
      life.unlink();
      await collecting.catch(() => {});
    }
  };
  return {
    name: 'garbage-collector',
    async run(signal) {
      while (!signal.aborted) {
        try {
          await term(signal);
        } catch (error) {
          if (!isSetpointError(error, 'LockLost')) throw error;
          logger.warn({ err: error }, 'the garbage collector stands for election again');
        }
      }
    },
  };
}
