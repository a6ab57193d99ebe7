import { isSetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { sleep } from '../internal/clock.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import type { KeyValue, Revision } from '../store/index.ts';
import type { Session } from './session.ts';

/** One incarnation of a key, and the lease that it hangs on. */
export interface Incarnation {
  readonly key: string;
  readonly createRevision: Revision;
  readonly lease: bigint;
}

export interface KeyWatchOptions {
  readonly signal?: AbortSignal;
  /** The store is asked only after so long: a watch costs more than a short ownership, and misses nothing for that. */
  readonly afterMs?: number;
}

/**
 * Waits until one incarnation of a key has ended or was taken off its lease, over any number of broken connections and
 * compactions. `gone` resolves then and when the watch was stopped, and rejects when nobody can tell any more: a reset history, a closed store.
 */
export class KeyWatch {
  readonly gone: Promise<void>;
  #ended = false;
  readonly #life: LinkedAbort;

  /** `from`: the first revision that has not been looked at. */
  constructor(session: Surroundings, of: Incarnation, from: Revision, { signal, afterMs = 0 }: KeyWatchOptions = {}) {
    this.#life = linkedAbort(signal);
    const begun = afterMs > 0 ? sleep(session.clock, afterMs, this.#life.signal) : Promise.resolve();
    this.gone = begun
      .then(() => untilGone(session, of, from, this.#life.signal))
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

type Surroundings = Pick<Session, 'store' | 'clock' | 'random'>;

async function untilGone(
  { store, clock, random }: Surroundings,
  incarnation: Incarnation,
  from: Revision,
  signal: AbortSignal,
): Promise<void> {
  const { key } = incarnation;
  const backoff = new Backoff({ baseMs: 50, maxMs: 2000 }, random);
  /** Undefined: what came before is compacted, and what is there now has to tell. */
  let startRevision: Revision | undefined = from;
  while (!signal.aborted) {
    try {
      if (startRevision === undefined) {
        const { kvs, revision } = await store.range({ key }, { signal });
        if (!kvs[0] || !isOf(incarnation, kvs[0])) return;
        startRevision = revision + 1n;
      }
      for await (const { events } of store.watch({ key, startRevision }, { signal })) {
        if (events.some(({ type, kv }) => type === 'delete' || !isOf(incarnation, kv))) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isSetpointError(error, 'Compacted')) startRevision = undefined;
      else if (isSetpointError(error) && error.retryable) await sleep(clock, backoff.next(), signal);
      else throw error;
    }
  }
}

function isOf({ createRevision, lease }: Incarnation, kv: KeyValue): boolean {
  return kv.createRevision === createRevision && kv.lease === lease;
}
