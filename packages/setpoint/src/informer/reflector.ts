import { isSetpointError, SetpointError } from '../errors/index.ts';
import { abortable } from '../internal/abortable.ts';
import { Backoff } from '../internal/backoff.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import { type LinkedAbort, linkedAbort } from '../internal/linked-abort.ts';
import type { Random } from '../internal/random.ts';
import { prefixEnd, toBytes } from '../store/key-range.ts';
import { firstPageSize, nextPageSize, smallerPageSize } from '../store/page-size.ts';
import type { RangeRequest, Revision, Store, WatchBatch } from '../store/port.ts';
import type { ProgressRequests } from '../store/progress-requests.ts';
import { type Recovery, recoveryFrom, UNFORESEEN, wantsSmallerPage } from './recovery.ts';
import type { BackingOff, Listing, ListReason, ReflectorSink, ReflectorState, Watching } from './reflector-state.ts';

/** client-go's numbers: each delay lies in [d, 2d). */
const BACKOFF = { baseMs: 800, maxMs: 30_000, factor: 2, jitter: 1 };
/** Two quiet minutes and the back-off starts small again, as in client-go. */
const BACKOFF_RESET_MS = 120_000;
/** A watch that ends sooner than this without an event did not work. */
const WATCH_MIN_MS = 1000;
/** So long a watch that fails in unforeseen ways is resumed before everything is listed, as in the apiserver. */
const ODD_WATCH_MS = 30_000;
/** etcd catches a watch up by about 10,000 revisions a second, and lists 100,000 objects of 1 KiB in less. */
const BEHIND_MAX = 10_000;

export interface ReflectorOptions {
  readonly store: Pick<Store, 'range' | 'watch'>;
  /** Ends with '/'. */
  readonly prefix: string;
  readonly sink: ReflectorSink;
  /** At most so many keys in one page of a list. */
  readonly pageSize: number;
  /** Whether values are left out of lists. */
  readonly keysOnly?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of each state as it is entered. Must not throw. */
  readonly onState?: (state: ReflectorState) => void;
  /** Told of each failure that leads to a wait. Must not throw. */
  readonly onFailure?: (error: unknown, during: 'list' | 'watch') => void;
  /** As in `WatchOptions`. */
  readonly onConnection?: (error?: unknown) => void;
  /** As in `WatchOptions`. */
  readonly progress?: ProgressRequests;
}

/**
 * Lists a prefix and watches it from there, for ever, into a sink. Nothing but a closed store ends it.
 *
 * What it promises the sink: a list is of one revision, also over many pages; the changes after it follow without a
 * gap; when that can't be kept up (compaction, a restored backup) a new list says so and starts over.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #prefix: Uint8Array;
  readonly #end: Uint8Array;
  readonly #backoff: Backoff;
  #lastBackoffAt = -Infinity;
  /** The newest revision of this history that was fed: a list that is older is of another history. */
  #seen: Revision = 0n;
  /** A history reset was told and no list of the new history has come to its end yet. */
  #resetting = false;
  /**
   * How far behind the next watch may be. It doubles while watches are too far behind from their start, so that lists
   * which take as long as that many writes do end some day.
   */
  #behindMax = BEHIND_MAX;
  /** The watch that stands, if one does. */
  #watching: LinkedAbort | undefined;
  /** What was fed proved wrong, and no list has put it right since. */
  #distrusted = false;
  /** Since when watches have failed in ways that nobody foresaw, without a batch in between. */
  #oddSince: number | undefined;
  /** The last step ended in a recovery without a wait. */
  #recoveredAtOnce = false;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#prefix = toBytes(options.prefix);
    this.#end = prefixEnd(this.#prefix);
    this.#backoff = new Backoff(BACKOFF, options.random);
  }

  /** Resolves when `signal` aborts, rejects when the store is closed. */
  async run(signal: AbortSignal): Promise<void> {
    let state: ReflectorState = this.#list('start');
    while (!signal.aborted) {
      this.#options.onState?.(state);
      state = await this.#step(state, signal);
    }
  }

  /** Gives the present watch up, or the next one, and lists everything, because what was fed proved wrong. */
  distrust(): void {
    this.#distrusted = true;
    this.#watching?.abort(new SetpointError('Aborted', 'the cache was found to differ from the store'));
  }

  #step(state: ReflectorState, signal: AbortSignal): Promise<ReflectorState> {
    switch (state.phase) {
      case 'listing':
        return this.#listPage(state, signal);
      case 'watching':
        return this.#watch(state, signal);
      case 'backing-off':
        return sleep(this.#options.clock, state.delayMs, signal, { ref: true }).then(() => state.next);
    }
  }

  #list(why: ListReason): Listing {
    if (why === 'history-reset') {
      this.#resetting = true;
      this.#seen = 0n;
    }
    const reason = this.#resetting ? 'history-reset' : why;
    const stage = this.#options.sink.beginList(reason);
    const pageSizeMax = this.#options.pageSize;
    return { phase: 'listing', reason, stage, pageSize: firstPageSize(pageSizeMax), pageSizeMax };
  }

  async #listPage(state: Listing, signal: AbortSignal): Promise<ReflectorState> {
    try {
      const answer = await abortable(this.#options.store.range(this.#pageRequest(state), { signal }), signal);
      const revision = state.rest?.revision ?? answer.revision;
      refuseOtherHistory(answer.revision, state.rest?.revision ?? this.#seen);
      await state.stage.add(answer.kvs, signal);
      const last = answer.kvs.at(-1);
      if (!answer.more || !last) {
        await state.stage.commit(revision, signal);
        this.#seen = revision;
        this.#resetting = this.#distrusted = false;
        return { phase: 'watching', revision };
      }
      const pageSize = nextPageSize(answer.kvs, state.pageSizeMax);
      return { ...state, pageSize, rest: { revision, fromKey: Uint8Array.of(...last.key, 0) } };
    } catch (error) {
      if (!wantsSmallerPage(error)) return this.#recover(state, error, signal);
      const pageSize = smallerPageSize(state.pageSize);
      return this.#recover({ ...state, pageSize, pageSizeMax: pageSize }, error, signal);
    }
  }

  #pageRequest({ pageSize, rest }: Listing): RangeRequest {
    const page = { limit: pageSize, ...(this.#options.keysOnly && { keysOnly: true }) };
    if (!rest) return { prefix: this.#prefix, ...page };
    return { key: rest.fromKey, end: this.#end, ...page, revision: rest.revision };
  }

  async #watch(state: Watching, signal: AbortSignal): Promise<ReflectorState> {
    if (this.#distrusted) return this.#list('divergence');
    const { clock, store, sink, onConnection, progress } = this.#options;
    const startedAt = clock.now();
    const watch = (this.#watching = linkedAbort(signal));
    let [revision, worked] = [state.revision, false];
    try {
      const behindMax = this.#behindMax;
      const options = {
        signal: watch.signal,
        behindMax,
        ...(onConnection && { onConnection }),
        ...(progress && { progress }),
      };
      const batches = store.watch({ prefix: this.#prefix, startRevision: revision + 1n }, options);
      await eachUntilAborted(batches, watch.signal, async (batch) => {
        await sink.apply(batch, signal);
        if (batch.revision > revision) revision = this.#seen = batch.revision;
        worked ||= batch.events.length > 0;
        this.#recoveredAtOnce = false;
        this.#oddSince = undefined;
        this.#behindMax = BEHIND_MAX;
      });
      const lastedMs = clock.now() - startedAt;
      if (worked || lastedMs >= WATCH_MIN_MS) return { phase: 'watching', revision };
      throw new SetpointError('Unavailable', `the watch ended after ${Math.round(lastedMs)} ms without an event`);
    } catch (error) {
      if (watch.signal.aborted && !signal.aborted) return this.#list('divergence');
      if (clock.now() - startedAt >= WATCH_MIN_MS) this.#recoveredAtOnce = false;
      return this.#recover({ phase: 'watching', revision }, error, signal);
    } finally {
      watch.unlink();
      this.#watching = undefined;
    }
  }

  /** The state after a failure in `state`. */
  #recover(state: Listing | Watching, error: unknown, signal: AbortSignal): ReflectorState {
    if (signal.aborted) return state;
    const { next, when } = this.#recoveryIn(state, error);
    if (next === 'give-up') throw error;
    if (isSetpointError(error, 'FarBehind')) this.#behindMax *= 2;
    const then = next === 'resume' ? state : this.#list(next === 'rebuild' ? 'history-reset' : listReason(error));
    if (when === 'at-once' && !this.#recoveredAtOnce) {
      this.#recoveredAtOnce = true;
      return then;
    }
    this.#options.onFailure?.(error, state.phase === 'listing' ? 'list' : 'watch');
    const slowMs = BACKOFF.maxMs * (1 + this.#options.random.next());
    return this.#backOff(then, error, when === 'slowly' ? slowMs : 0);
  }

  /** A watch that fails oddly has lost nothing yet: it is resumed for a while before everything is listed. */
  #recoveryIn(state: Listing | Watching, error: unknown): Recovery {
    const recovery = recoveryFrom(error);
    if (recovery !== UNFORESEEN || state.phase !== 'watching') return recovery;
    const now = this.#options.clock.now();
    this.#oddSince ??= now;
    if (now - this.#oddSince < ODD_WATCH_MS) return { ...recovery, next: 'resume' };
    this.#oddSince = undefined;
    return recovery;
  }

  #backOff(next: Listing | Watching, error: unknown, leastMs: number): BackingOff {
    const now = this.#options.clock.now();
    if (now - this.#lastBackoffAt >= BACKOFF_RESET_MS) this.#backoff.reset();
    this.#lastBackoffAt = now;
    const askedMs = isSetpointError(error) ? (error.details.retryAfterMs ?? 0) : 0;
    return { phase: 'backing-off', delayMs: Math.max(this.#backoff.next(), leastMs, askedMs), error, next };
  }
}

function refuseOtherHistory(answered: Revision, known: Revision): void {
  if (answered >= known) return;
  const message = `the store was at revision ${known} and now answers at ${answered}: was a backup restored?`;
  throw new SetpointError('HistoryReset', message, { details: { revision: answered } });
}

function listReason(error: unknown): ListReason {
  if (isSetpointError(error, 'Compacted')) return 'compacted';
  return isSetpointError(error, 'FarBehind') ? 'far-behind' : 'failure';
}

/** `for await` that also ends, with the signal's reason, when the iteration doesn't notice the abort. */
async function eachUntilAborted(
  batches: AsyncIterable<WatchBatch>,
  signal: AbortSignal,
  take: (batch: WatchBatch) => Promise<void>,
): Promise<void> {
  const iterator = batches[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await abortable(iterator.next(), signal);
      if (next.done === true) return;
      await take(next.value);
    }
  } finally {
    // Not awaited: a generator answers only once the step it is in has ended.
    iterator.return?.()?.catch(() => {});
  }
}
