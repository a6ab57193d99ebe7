import { isSetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { sleep } from '../internal/clock.ts';
import type { RangeResponse, Revision, TxnResponse } from '../store/index.ts';
import { fencingToken, incarnationIn, incarnationKey } from './fencing-token.ts';
import { KeyWatch } from './key-watch.ts';
import { encodeHolder, type Entry, entryKey, type Holder, type LineView, readLine } from './line.ts';
import { leaveLine, Ownership } from './ownership.ts';
import type { Session } from './session.ts';

/** A line of parties for one thing that only one may have. */
export interface Line {
  /** For messages: "lock 'reports'". */
  readonly what: string;
  /** Every entry's key starts with it. It ends in '/', so that no other line's keys do. */
  readonly prefix: string;
  /** Where the incarnation of fencing tokens is. */
  readonly root: string;
}

/** How long a key is left unwatched by its owner, which hears of a lost lease in another way: most locks are held shorter. */
const OWN_WATCH_AFTER_MS = 200;

/** A key in the line, and what the line looked like when that was last asked. */
interface Standing {
  readonly own: Entry;
  readonly view: LineView;
  readonly revision: Revision;
  readonly incarnation: bigint;
}

interface CandidateOptions {
  /** What others are told. */
  readonly value?: string;
  /** `false`: the caller sees the own key go, and tells the ownership. */
  readonly watched?: boolean;
  /** Logs when another session in the line has the same identity. */
  readonly tellsTwin?: boolean;
}

/**
 * One party on its way to the front of a line. Its key is new for each attempt and never used again, so that a late
 * request can't be taken for another one; it hangs on the session's lease, so that it goes when the session does.
 */
export class Candidate {
  readonly #session: Session;
  readonly #line: Line;
  readonly #value: string;
  readonly #watched: boolean;
  readonly #backoff: Backoff;
  readonly #toldForeign = new Set<string>();
  /** Whether others of the same name are still to be told of. */
  #tellsTwin: boolean;

  constructor(session: Session, line: Line, options: CandidateOptions = {}) {
    this.#session = session;
    this.#line = line;
    this.#value = options.value ?? '';
    this.#watched = options.watched ?? true;
    this.#tellsTwin = options.tellsTwin ?? false;
    this.#backoff = new Backoff({ baseMs: 50, maxMs: 2000 }, session.random);
  }

  /**
   * Waits in line until it is first. Rejects with the signal's reason when that aborts (the key is taken out again), and
   * with `SessionExpired` when the session does not live to see it.
   */
  async acquire(signal: AbortSignal): Promise<Ownership> {
    for (;;) {
      const standing = await this.#enter(signal);
      const watch = this.#watchOwn(standing);
      try {
        const first = await this.#wait(standing, watch, signal);
        if (first) return this.#own(first, watch);
        const { key } = standing.own;
        this.#session.logger.warn({ key }, `somebody deleted or changed our key; ${this.#line.what}: again`);
        await leaveLine(this.#session, standing.own);
      } catch (error) {
        watch?.stop();
        await leaveLine(this.#session, standing.own);
        throw error;
      }
      watch?.stop();
    }
  }

  /** Takes it if it is free. Otherwise tells who has it, having left nothing in the line. Waits for nobody. */
  async tryAcquire(signal: AbortSignal): Promise<Ownership | Entry> {
    const { entries, foreign } = await this.#look(signal);
    this.#tellForeign(foreign);
    if (entries[0] && !this.#isStray(entries[0])) return entries[0];
    const standing = await this.#enter(signal);
    const first = standing.view.entries.find((entry) => !this.#isStray(entry, standing.own));
    if (first?.key === standing.own.key) return this.#own(standing, this.#watchOwn(standing));
    await leaveLine(this.#session, standing.own);
    return first!;
  }

  /** Who is first now, without standing in line. */
  async first(signal: AbortSignal): Promise<Holder | undefined> {
    return (await this.#look(signal)).entries[0]?.holder;
  }

  /** Undefined when the own key is gone, or off its lease, although the session lives. */
  async #wait(entered: Standing, watch: KeyWatch | undefined, signal: AbortSignal): Promise<Standing | undefined> {
    for (let at: Standing | undefined = entered; at; at = await this.#standing(entered.own, signal)) {
      // Somebody had it, if only for a moment: what is there now may be the work of a hand that put it right.
      if (watch?.ended) break;
      this.#tellForeign(at.view.foreign);
      this.#tellTwin(at.view.entries);
      await this.#clearStrays(at);
      const waiting: readonly Entry[] = at.view.entries.filter((entry) => !this.#isStray(entry, entered.own));
      const place = waiting.findIndex(({ key }) => key === entered.own.key);
      if (place === 0) return at;
      if (place < 0) break;
      await this.#untilGone(waiting[place - 1]!, at.revision, watch, signal);
    }
    // Gone by a hand, or with the lease? The lease tells, and a session whose lease is gone must not wait for its deadline.
    await this.#session.store.leaseKeepAlive(this.#session.id, { signal }).catch((error: unknown) => {
      if (isSetpointError(error, 'LeaseNotFound')) this.#session.lose(error);
    });
    this.#session.assertAlive();
    return undefined;
  }

  /** Watches the one before it, nobody else: when an owner goes, one waiter wakes. */
  async #untilGone(before: Entry, seen: Revision, own: KeyWatch | undefined, signal: AbortSignal): Promise<void> {
    const watch = new KeyWatch(this.#session, before, seen + 1n, { signal: this.#session.signal });
    const aborted = abortedBy(signal);
    try {
      await Promise.race([watch.gone, aborted.promise, ...(own ? [own.gone] : [])]);
    } catch (error) {
      await this.#failed(error, signal);
    } finally {
      watch.stop();
      aborted.unlisten();
    }
    this.#session.assertAlive();
  }

  #own(standing: Standing, watch: KeyWatch | undefined): Ownership {
    // What the store said was true then. Whether it may still be counted on is a question of time.
    this.#session.assertAlive();
    const { own, incarnation, revision } = standing;
    const token = fencingToken(incarnation, own.createRevision);
    const { what } = this.#line;
    const of = { what, session: this.#session, key: own, token, heldSince: revision, holder: own.holder };
    return new Ownership({ ...of, ...(watch && { watch }) });
  }

  #watchOwn({ own }: Standing): KeyWatch | undefined {
    if (!this.#watched) return undefined;
    return new KeyWatch(this.#session, own, own.createRevision + 1n, { afterMs: OWN_WATCH_AFTER_MS });
  }

  /** Puts a key of its own into the line. A lost answer is settled by reading; a key that isn't there is given up. */
  async #enter(signal: AbortSignal): Promise<Standing> {
    for (let unsettled = 0; ;) {
      const key = entryKey(this.#line.prefix, this.#session.id, this.#session.random.uuid());
      try {
        return await this.#put(key, signal);
      } catch (error) {
        if (!isSetpointError(error, 'OutcomeUnknown')) {
          await this.#failed(error, signal);
          continue;
        }
        // From here on it must not stay, whatever happens, unless it turns out to be there.
        const standing = await this.#find(key, signal);
        if (standing) return standing;
        // Who was told that there is no space was answered: nothing is on its way any more.
        if (!isSetpointError(error.cause, 'NoSpace')) this.#session.disown(key);
        const level = unsettled === 0 ? 'warn' : 'debug';
        this.#session.logger[level]({ err: error, key }, `${this.#line.what}: no key was made in its line; again`);
        if (unsettled++ > 0) await this.#rest(signal);
      }
    }
  }

  async #put(key: string, signal: AbortSignal): Promise<Standing> {
    const { store, id, identity, clock } = this.#session;
    const value = encodeHolder({ identity, since: clock.wallNow(), value: this.#value });
    const absent = { key, target: 'create', operator: '=', operand: 0n } as const;
    const put = { put: { key, value, lease: id } };
    const request = { compares: [absent], then: [put, ...this.#reads()] };
    const answer = await store.txn(request, { alone: true, ...this.#options(signal) });
    try {
      return this.#standingIn(answer, answer.responses.slice(1), key)!;
    } catch (error) {
      await leaveLine(this.#session, { key, createRevision: answer.revision });
      throw error;
    }
  }

  async #find(key: string, signal: AbortSignal): Promise<Standing | undefined> {
    try {
      return await this.#standing({ key }, signal);
    } catch (error) {
      this.#session.disown(key);
      throw error;
    }
  }

  /** Where a key stands now, by one linearizable transaction; undefined when it is gone. */
  async #standing(own: { readonly key: string; readonly createRevision?: Revision }, signal: AbortSignal) {
    const answer = await this.#read(signal);
    const standing = this.#standingIn(answer, answer.responses, own.key);
    const created = standing?.own.createRevision;
    return created === (own.createRevision ?? created) ? standing : undefined;
  }

  async #look(signal: AbortSignal): Promise<LineView> {
    const { responses } = await this.#read(signal);
    return readLine((responses[0] as { range: RangeResponse }).range.kvs, this.#line.prefix);
  }

  async #read(signal: AbortSignal): Promise<TxnResponse> {
    for (;;) {
      try {
        return await this.#session.store.txn({ then: this.#reads() }, this.#options(signal));
      } catch (error) {
        // Nothing is written here, so an answer that was lost may be asked for again.
        if (isSetpointError(error, 'OutcomeUnknown')) await this.#rest(signal);
        else await this.#failed(error, signal);
      }
    }
  }

  #reads() {
    const { prefix, root } = this.#line;
    const line = { range: { prefix, sort: { by: 'create', order: 'ascend' } } } as const;
    return [line, { range: { key: incarnationKey(root) } }];
  }

  #standingIn(answer: TxnResponse, [line, incarnation]: TxnResponse['responses'], key: string): Standing | undefined {
    const view = readLine((line as { range: RangeResponse }).range.kvs, this.#line.prefix);
    const own = view.entries.find((entry) => entry.key === key);
    if (!own) return undefined;
    this.#backoff.reset();
    const { range } = incarnation as { range: RangeResponse };
    return { own, view, revision: answer.revision, incarnation: incarnationIn(range) };
  }

  /** What may be tried again is, after a rest; anything else ends the attempt. */
  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason;
    if (isSetpointError(error, 'LeaseNotFound') || isSetpointError(error, 'HistoryReset')) this.#session.lose(error);
    this.#session.assertAlive();
    if (!isSetpointError(error) || !error.retryable) throw error;
    await this.#rest(signal);
  }

  async #rest(signal: AbortSignal): Promise<void> {
    await sleep(this.#session.clock, this.#backoff.next(), signal);
    if (signal.aborted) throw signal.reason;
    this.#session.assertAlive();
  }

  /** An earlier attempt of this very session, whose answer was lost and which nobody wants any more. */
  #isStray(entry: Entry, own?: Entry): boolean {
    return entry.lease === this.#session.id && entry.key !== own?.key;
  }

  async #clearStrays({ own, view }: Standing): Promise<void> {
    for (const entry of view.entries) if (this.#isStray(entry, own)) await leaveLine(this.#session, entry);
  }

  #tellForeign(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#toldForeign.has(key)) continue;
      this.#toldForeign.add(key);
      this.#session.logger.warn({ key }, `a foreign key in the line of ${this.#line.what} is ignored`);
    }
  }

  /** It is a candidate like any other; but who reads logs or observes can't tell the two apart. */
  #tellTwin(entries: readonly Entry[]): void {
    const { id, identity, logger } = this.#session;
    if (!this.#tellsTwin || !entries.some(({ lease, holder }) => lease !== id && holder.identity === identity)) return;
    this.#tellsTwin = false;
    const who = 'a second process, or an earlier one whose lease is not over yet';
    logger.warn({ identity }, `another candidate in ${this.#line.what} is called '${identity}' too: ${who}`);
  }

  #options(signal: AbortSignal) {
    if (signal.aborted) throw signal.reason;
    return { signal };
  }
}

function abortedBy(signal: AbortSignal): { readonly promise: Promise<never>; unlisten(): void } {
  let unlisten = (): void => {};
  const promise = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    unlisten = () => signal.removeEventListener('abort', abort);
  });
  promise.catch(() => {});
  return { promise, unlisten };
}
