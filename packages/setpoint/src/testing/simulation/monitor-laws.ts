import { type Clock, systemClock } from '../../internal/clock.ts';
import { DEFAULT_PREFIX } from '../../resource/index.ts';
import type { Revision, Store } from '../../store/index.ts';
import { followPrefix } from './follow-prefix.ts';
import { breach, type Law } from './law.ts';
import { MirroredState } from './state.ts';

export interface LawMonitorOptions {
  readonly store: Store;
  /** The laws of a simulation's `always`: each is asked at every revision. */
  readonly laws: readonly Law[];
  /** Told when a law that held is broken, once until it holds again. Must not throw: that would be the end of watching. */
  readonly onBreach: (breach: { readonly law: string; readonly message: string; readonly revision: Revision }) => void;
  /** Told when it holds again. */
  readonly onMended?: (law: string, revision: Revision) => void;
  /** Default `/registry`. */
  readonly prefix?: string;
  readonly clock?: Clock;
}

/** What the monitor calls itself where it can't watch. */
const MONITOR = 'monitor';

/**
 * Watches a store in production with the laws that a simulation was run with. It holds every object in memory and asks
 * every law at every revision: for stores of thousands of objects, not of millions. It only reads. While the store can't
 * be followed (it is away, it refuses, its history was compacted) a law called `monitor` is broken; it is mended when
 * everything was listed anew, and the laws are asked of that. The returned function ends it.
 */
export function monitorLaws(options: LawMonitorOptions): () => void {
  const { store, laws, onBreach, onMended, prefix = DEFAULT_PREFIX, clock = systemClock } = options;
  const state = new MirroredState(prefix, () => clock.now(), {});
  const broken = new Set<string>();
  const judge = (law: string, message: string | undefined): void => {
    if (message !== undefined && !broken.has(law)) onBreach({ law, message, revision: state.revision });
    if (message === undefined && broken.has(law)) onMended?.(law, state.revision);
    if (message === undefined) broken.delete(law);
    else broken.add(law);
  };
  const ask = (): void => {
    for (const each of laws) judge(each.name, breach(each, state));
  };
  const ended = new AbortController();
  const { signal } = ended;
  followPrefix(
    { store, prefix: `${prefix}/`, clock, signal },
    {
      listed(revision, kvs) {
        state.replace(revision, kvs);
        judge(MONITOR, undefined);
        ask();
      },
      changed(revision, events) {
        state.apply(revision, events);
        ask();
      },
      lost(error) {
        judge(MONITOR, `the laws can't be watched: ${error instanceof Error ? error.message : String(error)}`);
      },
    },
  ).catch((error: unknown) => {
    process.emitWarning(`monitorLaws: onBreach throws, the laws are not watched any more (${String(error)})`, {
      type: 'SetpointWarning',
    });
  });
  return () => ended.abort();
}
