import { type Client, type ClientOptions, createClient } from '../client/index.ts';
import { LeaderElector, type Leadership } from '../coordination/index.ts';
import { isSetpointError } from '../errors/index.ts';
import { createGarbageCollector } from '../garbage-collection/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { type Clock, sleep } from '../internal/clock.ts';
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

/** How long this replica leaves the leadership to others after its collector failed: 1 s doubling up to 30 s, and jitter. */
const AFTER_FAILURE = { baseMs: 1000, maxMs: 30_000 };

/** A collector that worked for so long was a good one: its failure is the first of a row. */
const GOOD_TERM_MS = 2 * AFTER_FAILURE.maxMs;

/**
 * The garbage collector of replicas that share their keys: it looks at objects of all keys, so that one of them does, and
 * another one takes over. Each term is a collector of its own, with a client that carries the term's leadership. One that
 * fails gives the leadership up: a leader that does not collect would keep all others from it.
 */
export function electedCollector(options: ElectedCollectorOptions): Runnable {
  const { name, identity, store, prefix, caches, clock, random, logger, metrics, transformerOf } = options;
  const common = { clock, random, logger };
  /** Resolves with what the collector failed with, if it did. */
  const term = async (signal: AbortSignal): Promise<unknown> => {
    const elector = new LeaderElector({
      ...common,
      store,
      name: `${name}-garbage-collector`,
      prefix: coordinationPrefix(prefix),
      ...(identity === undefined ? {} : { identity }),
    });
    const life = linkedAbort(signal);
    let failure: unknown;
    const collect = async ({ ownership }: Leadership): Promise<void> => {
      const link = linkedAbort(life.signal, ownership.signal);
      try {
        await caughtUpWith(options, ownership.heldSince, link.signal);
        const client: Client = createClient({ store: ownership.store, prefix, clock, random, transformerOf });
        await createGarbageCollector({ ...common, metrics, client, kinds: caches.list() }).run(link.signal);
      } catch (error) {
        if (link.signal.aborted) return; // it ends with the term, which says why
        failure = error;
        life.abort(error);
      } finally {
        link.unlink();
      }
    };
    // Where nobody comes to lead, the elector's own end is what is told.
    const collecting = elector.whenLeading().then(collect, () => {});
    try {
      await elector.run(life.signal);
      return failure;
    } finally {
      life.abort(undefined);
      life.unlink();
      await collecting;
    }
  };
  return {
    name: 'garbage-collector',
    async run(signal) {
      const backoff = new Backoff(AFTER_FAILURE, random);
      while (!signal.aborted) {
        const since = clock.now();
        try {
          const failure = await term(signal);
          if (failure === undefined) continue;
          if (clock.now() - since >= GOOD_TERM_MS) backoff.reset();
          logger.error({ err: failure }, 'the garbage collector failed: it gives its leadership up for a while');
          await sleep(clock, backoff.next(), signal);
        } catch (error) {
          if (!isSetpointError(error, 'LockLost')) throw error;
          logger.warn({ err: error }, 'the garbage collector stands for election again');
        }
      }
    },
  };
}
