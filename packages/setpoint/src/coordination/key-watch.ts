import { isSetpointError } from '../errors/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import type { KeyValue, Revision, Store } from '../store/index.ts';

/** One incarnation of a key, and the lease that it hangs on. */
export interface Incarnation {
  readonly key: string;
  readonly createRevision: Revision;
  readonly lease: bigint;
}

/**
 * Waits until one incarnation of a key has ended or was taken off its lease, over any number of broken connections and
 * compactions. `gone` resolves then and when the watch was stopped, and rejects when nobody can tell any more: a reset history, a closed store.
 */
export class KeyWatch {
  readonly gone: Promise<void>;
  #ended = false;
  readonly #life: LinkedAbort;

  /**
   * `from`: the first revision that has not been looked at. With a clock the store is asked only after so long: a watch
   * costs more than a short ownership, and misses nothing for having been opened late.
   */
  constructor(
    store: Pick<Store, 'watch' | 'range'>,
    of: Incarnation,
    from: Revision,
    options: { readonly signal?: AbortSignal; readonly after?: { readonly clock: Clock; readonly ms: number } } = {},
  ) {
    const { signal, after } = options;
    this.#life = linkedAbort(signal);
    const begun = after ? sleep(after.clock, after.ms, this.#life.signal) : Promise.resolve();
    this.gone = begun
      .then(() => untilGone(store, of, from, this.#life.signal))
      .finally(() => {
        this.#ended = true;
        this.#life.unlink();
      });
    this.gone.catch(() => {}); // whoever waits gets it; nobody has to
  }

  /** Whether `gone` is settled. */
  get ended(): boolean {
    return this.#ended;
  }

  stop(): void {
    this.#life.abort(undefined);
  }
}

async function untilGone(
  store: Pick<Store, 'watch' | 'range'>,
  incarnation: Incarnation,
  from: Revision,
  signal: AbortSignal,
): Promise<void> {
  const { key } = incarnation;
  for (let startRevision = from; !signal.aborted;) {
    try {
      for await (const { events } of store.watch({ key, startRevision }, { signal })) {
        if (events.some(({ type, kv }) => type === 'delete' || !isOf(incarnation, kv))) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isSetpointError(error, 'Compacted')) throw error;
      const { kvs, revision } = await store.range({ key }, { signal });
      if (!kvs[0] || !isOf(incarnation, kvs[0])) return;
      startRevision = revision + 1n;
    }
  }
}

function isOf({ createRevision, lease }: Incarnation, kv: KeyValue): boolean {
  return kv.createRevision === createRevision && kv.lease === lease;
}
