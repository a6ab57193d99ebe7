import { type Clock, systemClock } from '../../internal/clock.ts';
import { DEFAULT_PREFIX } from '../../resource/index.ts';
import type { Revision, Store } from '../../store/index.ts';
import { followStore } from './follow-store.ts';
import { breach, type Law } from './law.ts';
import { MirroredState } from './state.ts';

export interface LawMonitorOptions {
  readonly store: Store;
  /** The laws of a simulation's `always`: each is asked at every revision. */
  readonly laws: readonly Law[];
  /** Told when a law that held is broken, once until it holds again. Must not throw. */
  readonly onBreach: (breach: { readonly law: string; readonly message: string; readonly revision: Revision }) => void;
  /** Told when it holds again. */
  readonly onMended?: (law: string, revision: Revision) => void;
  /** Default `/registry`. */
  readonly prefix?: string;
  readonly clock?: Clock;
}

/**
 * Watches a store in production with the laws that a simulation was run with. It holds every object in memory and asks
 * every law at every revision: for stores of thousands of objects, not of millions. It only reads. The returned function
 * ends it.
 */
export function monitorLaws(options: LawMonitorOptions): () => void {
  const { store, laws, onBreach, onMended, prefix = DEFAULT_PREFIX, clock = systemClock } = options;
  const state = new MirroredState(prefix, () => clock.now(), {});
  const broken = new Set<string>();
  const ask = (revision: Revision): void => {
    for (const each of laws) {
      const message = breach(each, state);
      if (message !== undefined && !broken.has(each.name)) onBreach({ law: each.name, message, revision });
      if (message === undefined && broken.has(each.name)) onMended?.(each.name, revision);
      if (message === undefined) broken.delete(each.name);
      else broken.add(each.name);
    }
  };
  let [over, unfollow] = [false, (): void => {}];
  const begin = async (): Promise<void> => {
    const { kvs, revision } = await store.range({ prefix: `${prefix}/` });
    if (over) return;
    state.apply(
      revision,
      kvs.map((kv) => ({ type: 'put', kv })),
    );
    ask(revision);
    const tell = (at: Revision, events: Parameters<MirroredState['apply']>[1]): void => {
      state.apply(at, events);
      ask(at);
    };
    unfollow = followStore(store, tell, () => {}, { prefix: `${prefix}/`, startRevision: revision + 1n });
  };
  begin().catch((error: unknown) => {
    const message = `the laws can't be watched: ${error instanceof Error ? error.message : String(error)}`;
    if (!over) onBreach({ law: 'monitor', message, revision: state.revision });
  });
  return () => {
    over = true;
    unfollow();
  };
}
