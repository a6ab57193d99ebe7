import {
  type Leader,
  LeaderElector,
  type LeaderElectionOptions,
  observeLeader,
  type ShardingOptions,
  Shards,
} from '../coordination/index.ts';
import { SetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { deferred } from '../internal/deferred.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Logger } from '../internal/logger.ts';
import type { Random } from '../internal/random.ts';
import type { Runnable } from '../manager/index.ts';
import type { Store } from '../store/index.ts';
import type { KindCaches } from './kind-caches.ts';
import { caughtUpWith } from './caught-up.ts';
import { storeOf, type Tenure } from './tenure.ts';

/** What leader election and sharding have in common, as the control plane needs it. */
export interface Coordinated {
  readonly tenure: Tenure;
  /** Holds the lease: outlives the controllers, and gives it back after they have stopped. */
  readonly runnable: Runnable;
  /** Decides when the controllers may start; absent when they may at once. */
  readonly leadership?: { elected(signal: AbortSignal): Promise<void> };
  /** For what only one replica does: its writes carry the leadership. Absent where there is no leader. */
  readonly leaderStore?: Store;
  /** Who leads. Absent where there is no leader. */
  readonly observeLeader?: (signal?: AbortSignal) => AsyncGenerator<Leader | undefined>;
}

interface Parts {
  readonly store: Store;
  readonly prefix: string;
  readonly caches: KindCaches;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Below the control plane's own prefix, so that two of them on one etcd have nothing to do with each other. */
export const coordinationPrefix = (prefix: string): string => `${prefix}/_coordination`;

/** Controllers run only while this process leads. Losing the leadership ends the manager with `LockLost`. */
export function electedBy(options: LeaderElectionOptions, parts: Parts): Coordinated {
  const { store, clock, random } = parts;
  const where = { ...options, prefix: options.prefix ?? coordinationPrefix(parts.prefix) };
  const elector = new LeaderElector({ ...parts, ...where });
  const wanted = deferred();
  const enter: Tenure['enter'] = () => {
    const ownership = elector.leadership?.ownership;
    return ownership?.held ? { ownership, leave: () => {} } : undefined;
  };
  return {
    tenure: { owns: () => elector.isLeading, enter },
    runnable: {
      name: elector.name,
      // It doesn't stand before everything is ready to begin: a leader that can't work keeps others from it.
      run: async (signal) => {
        await Promise.race([wanted.promise, aborted(signal)]);
        await elector.run(signal);
      },
      health: () => elector.check(),
      debug: () => ({ leases: { election: options.name, leading: elector.isLeading } }),
    },
    leadership: {
      async elected(signal) {
        wanted.resolve();
        await Promise.race([elector.whenLeading(), aborted(signal)]);
        const ownership = elector.leadership?.ownership;
        if (!ownership || signal.aborted) return;
        const link = linkedAbort(signal, ownership.signal);
        try {
          await caughtUpWith(parts, ownership.heldSince, link.signal);
        } catch (error) {
          if (!ownership.signal.aborted) throw error;
          await aborted(signal); // the elector's run says what the manager ends with
        } finally {
          link.unlink();
        }
      },
    },
    leaderStore: storeOf(() => {
      const ownership = elector.leadership?.ownership;
      if (ownership) return ownership.store;
      throw new SetpointError('LockLost', `${elector.name}: this process does not lead; nothing was sent`);
    }),
    observeLeader: (signal) => {
      const watching = { prefix: where.prefix, clock, random, ...(signal && { signal }) };
      return observeLeader(store, options.name, watching);
    },
  };
}

/** What works on the keys that are shared with other replicas. */
export interface SharedWork {
  /** Resolves when all of it can begin. */
  readonly ready: () => Promise<unknown>;
  /** Looks again at all keys that pass. */
  readonly replay: (owns: (key: string) => boolean) => void;
}

/** Keys are shared with the other replicas. */
export function shardedBy(options: ShardingOptions, parts: Parts, { ready, replay }: SharedWork): Coordinated {
  const { prefix } = parts;
  const shards = new Shards({
    ...parts,
    prefix: coordinationPrefix(prefix),
    ...options,
    onAcquired: (_, revision, signal) => caughtUpWith(parts, revision, signal),
    onOpen: (slots) => replay((key) => slots.has(shards.slotOf(key))),
  });
  return {
    tenure: { owns: (key) => shards.owns(key), enter: (key) => shards.enter(key) },
    runnable: {
      name: shards.name,
      // Who is on the roll is given slots: it has to be able to work on them.
      run: async (signal) => {
        const caches = parts.caches.list().map(({ informer }) => informer.whenSynced(signal));
        await Promise.race([Promise.all([...caches, ready()]), aborted(signal)]);
        if (!signal.aborted) await shards.run(signal);
      },
      health: () => shards.health(),
      debug: () => shards.debug(),
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
