import { SetpointError, isSetpointError } from 'setpoint';
import { Backoff, type LinkedAbort, linkedAbort, sleep } from 'setpoint/internal';
import {
  farBehind,
  type KeyRange,
  keyRange,
  type RangeRequest,
  type RangeResponse,
  type WatchBatch,
  type WatchOptions,
  type WatchRequest,
} from 'setpoint/store';
import type { Calls } from './calls.ts';
import type { Endpoint } from './endpoint.ts';
import { type CallSubject, classify, subjectError, textOf } from './error-mapping.ts';
import { encodeRange, encodeWatch, type EncodedRequest, PROGRESS_REQUEST, type WatchAnswer } from './protobuf/index.ts';
import { rangeRpc, watchRpc } from './rpcs.ts';
import { answersProgressRequests } from './server-defects.ts';
import { keepsDeletionAtCompaction } from './server-version.ts';
import type { CallStream } from './transport.ts';
import { untilAborted } from './until-aborted.ts';
import { WatchCursor } from './watch-cursor.ts';
import { readWatchStream, WatchCancelled, type WatchMessage } from './watch-stream.ts';

/** A stream that carried something, or lived so long, was a good one: the next break is mended at once. */
const GOOD_STREAM_MS = 5000;
/** So many times as long as a call a stream may take to stand on the slowest of links. */
const PATIENCE_MAX = 8;

/** One watch as the port promises it, over as many streams as it takes: each break is mended from the cursor. */
export class Watch {
  readonly #calls: Calls;
  readonly #request: WatchRequest;
  readonly #options: WatchOptions;
  readonly #subject: () => CallSubject;
  readonly #cursor: WatchCursor;
  /** Stops it: the store that closes, or the caller. Listens to both only while there is an iteration. */
  #stop: LinkedAbort = linkedAbort();
  readonly #backoff: Backoff;
  readonly #range: KeyRange;
  /** Of the history that it follows. */
  readonly #incarnation: number;
  /** Found to be another history: there is nothing to go on from. */
  #reset = false;
  #connected: boolean | undefined;
  /**
   * How many times as long as a call the next stream may take until it stands. Each that does not stand in its time
   * doubles it: on a slow link its answers wait behind what the server had sent on the streams before, and would come too
   * late for ever.
   */
  #patience = 1;
  /** Whether the server has said that it has something to send, and nothing has come yet. */
  #owed = false;
  #stands = false;
  /** Set when the last refusal may be the token's fault and a fresh one is being tried. */
  #tokenRenewed = false;

  constructor(calls: Calls, request: WatchRequest, options: WatchOptions, subject: () => CallSubject) {
    this.#calls = calls;
    this.#request = request;
    this.#options = options;
    this.#subject = subject;
    this.#cursor = new WatchCursor(request);
    this.#backoff = new Backoff({ baseMs: 50, maxMs: 3000 }, calls.settings.random);
    this.#range = keyRange(request);
    const { history } = calls;
    this.#incarnation = history.resumePoints.take(this.#range, this.#cursor.next) ?? history.incarnation;
  }

  get #standTimeoutMs(): number {
    return this.#calls.settings.callTimeoutMs * this.#patience;
  }

  async *batches(): AsyncGenerator<WatchBatch, void, void> {
    const { clock } = this.#calls.settings;
    this.#stop = linkedAbort(this.#calls.closing, this.#options.signal);
    try {
      while (!this.#stop.signal.aborted) {
        const endpoint = await this.#calls.endpoints.usable(this.#stop.signal);
        if (!endpoint) break;
        const openedAt = clock.now();
        const { connection } = endpoint;
        this.#owed = this.#stands = false;
        try {
          yield* this.#oneStream(endpoint);
          throw new Error('the server ended the stream');
        } catch (error) {
          if (this.#stop.signal.aborted) break;
          const livedMs = clock.now() - openedAt;
          if (livedMs >= GOOD_STREAM_MS) this.#backoff.reset();
          this.#mend(error, endpoint);
          if (this.#stands) this.#patience = 1;
          else if (livedMs >= this.#standTimeoutMs * 0.9) this.#patience = Math.min(this.#patience * 2, PATIENCE_MAX);
          endpoint.streamEnded(connection, { livedMs, owed: this.#owed });
        }
        await sleep(clock, this.#backoff.next(), this.#stop.signal, { ref: true });
      }
      if (!this.#options.signal?.aborted) throw subjectError('Closed', 'the store was closed', this.#subject());
    } finally {
      this.#stop.unlink();
      const { resumePoints } = this.#calls.history;
      if (!this.#reset) resumePoints.ended(this.#range, this.#cursor.next, this.#incarnation);
    }
  }

  async *#oneStream(endpoint: Endpoint): AsyncGenerator<WatchBatch, void, void> {
    const { settings } = this.#calls;
    const { connection } = endpoint;
    const start = this.#cursor.next;
    const token = await this.#token(endpoint);
    if (this.#stop.signal.aborted) return;
    const stream = endpoint.transport.stream(watchRpc, { token, requireLeader: true });
    const cancel = (): void => stream.cancel();
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
    const forget = this.#passOnRequests(stream, endpoint);
    try {
      stream.write(encodeWatch(this.#request, start, settings.watchFragments));
      const limits = {
        clock: settings.clock,
        createTimeoutMs: this.#standTimeoutMs,
        silenceMs: settings.watchSilenceMs,
      };
      for await (const message of readWatchStream(stream, limits)) {
        if (message.type === 'created') await this.#created(message, endpoint, { connection, start });
        const batch = this.#deliver(message, connection);
        if (batch) yield batch;
        if (this.#stop.signal.aborted) return;
      }
    } catch (error) {
      throw this.#meaning(error, endpoint, token);
    } finally {
      this.#stop.signal.removeEventListener('abort', cancel);
      forget?.();
    }
  }

  /** Asks for progress when the consumer does, if the server's answers can be trusted. */
  #passOnRequests(stream: CallStream<EncodedRequest, WatchAnswer>, { version }: Endpoint): (() => void) | undefined {
    if (!answersProgressRequests(version)) return undefined;
    return this.#options.progress?.onRequest(() => stream.write(PROGRESS_REQUEST));
  }

  async #token(endpoint: Endpoint): Promise<string | undefined> {
    try {
      const login = this.#calls.authentication.token(endpoint.transport);
      return login && (await untilAborted(login, this.#stop.signal));
    } catch (error) {
      const failure = classify(error);
      if (failure.kind === 'verdict') throw subjectError(failure.code, failure.text, this.#at(endpoint), error);
      throw error;
    }
  }

  /** The batch that a message amounts to, if any. */
  #deliver(message: WatchMessage, connection: object | undefined): WatchBatch | undefined {
    const { history } = this.#calls;
    switch (message.type) {
      case 'created': {
        const mark = this.#cursor.created(message.revision);
        history.observe(connection, message.revision);
        return mark === undefined ? undefined : { revision: mark, events: [] };
      }
      case 'progress':
        if (!this.#cursor.progress(message.revision)) return undefined;
        history.observe(connection, message.revision);
        return this.#delivered({ revision: message.revision, events: [] });
      case 'events': {
        const events = this.#cursor.accept(message.events);
        const dropped = this.#cursor.takeDropped();
        if (dropped > 0)
          this.#log().warn(
            { dropped, watch: this.#subject().what },
            'left out watch events that were old or not asked for',
          );
        const last = events.at(-1);
        if (!last) return undefined;
        // What is left out of the watch may be what an event can be recognised by.
        if (this.#request.exclude === undefined) history.observeEvents(connection, events);
        else history.observe(connection, last.kv.modRevision);
        return this.#delivered({ revision: last.kv.modRevision, events });
      }
    }
  }

  #delivered(batch: WatchBatch): WatchBatch {
    this.#owed = false;
    this.#backoff.reset();
    return batch;
  }

  /** The stream stands. Before anything of it is delivered it must be of the history that this watch follows. */
  async #created(
    message: { readonly revision: bigint; readonly clusterId: string },
    endpoint: Endpoint,
    opened: { readonly connection: object | undefined; readonly start: bigint | undefined },
  ): Promise<void> {
    const { clusterId } = this.#calls.endpoints.cluster;
    if (message.clusterId !== clusterId) {
      throw subjectError(
        'ClusterMismatch',
        `cluster ${message.clusterId} answered, not ${clusterId}`,
        this.#at(endpoint),
      );
    }
    this.#tokenRenewed = false;
    const { connection, start } = opened;
    // The channel may have connected anew by itself, and whom to has to be asked first.
    if (connection === undefined || endpoint.connection !== connection) throw new Error('the connection was replaced');
    await untilAborted(this.#checkHistory(connection), this.#stop.signal);
    const tooFar = farBehind(start, message.revision, this.#options.behindMax, this.#subject().what);
    if (tooFar) throw tooFar;
    if (start !== undefined) await untilAborted(this.#checkEdge(start, endpoint), this.#stop.signal);
    this.#stands = true;
    this.#owed = start !== undefined && start <= message.revision;
    this.#tell(undefined);
  }

  /** Throws `HistoryReset` when the store's history is not the one that this watch began in. */
  async #checkHistory(connection: object): Promise<void> {
    const { history } = this.#calls;
    await history.confirm(connection, (key = this.#range.start, revision = 0n) => this.#read({ key, revision }));
    if (history.incarnation === this.#incarnation) return;
    this.#reset = true;
    const { seen, now } = history.lastReset!;
    const evidence =
      now < seen
        ? `the store is at revision ${now}, ${seen} was seen before`
        : `what was seen up to revision ${seen} is not what the store has there`;
    const text = `${this.#subject().what}: ${evidence}; its data was restored from a backup or wiped: list again`;
    throw new SetpointError('HistoryReset', text, { details: { revision: now } });
  }

  /**
   * Some servers leave deletions out that happened at exactly the revision up to which history is compacted, when the
   * watch starts there. Nothing that can be read tells whether there were any: what was asked for counts as compacted.
   */
  async #checkEdge(start: bigint, endpoint: Endpoint): Promise<void> {
    if (start <= 1n || keepsDeletionAtCompaction(endpoint.version) || this.#request.exclude === 'delete') return;
    if (!(await this.#isCompacted(start - 1n))) return;
    // Further beyond the compaction the watch itself is told so, with the revision.
    if (!(await this.#isCompacted(start))) throw this.#compacted(start, endpoint);
  }

  async #isCompacted(revision: bigint): Promise<boolean> {
    try {
      await this.#read({ key: this.#range.start, revision, countOnly: true });
    } catch (error) {
      if (isSetpointError(error, 'Compacted')) return true;
      if (!isSetpointError(error, 'FutureRevision')) throw error;
    }
    return false;
  }

  #read(request: RangeRequest): Promise<RangeResponse> {
    const plan = { subject: this.#subject, write: false };
    const options = { timeoutMs: this.#standTimeoutMs };
    return this.#calls.unary(rangeRpc, encodeRange(request), plan, options).then(({ body }) => body);
  }

  /** What the end of a stream means: an error that says that the watch can't go on, or the one that it was. */
  #meaning(error: unknown, endpoint: Endpoint, token: string | undefined): unknown {
    if (isSetpointError(error)) return error;
    if (error instanceof WatchCancelled && error.compactRevision > 0n)
      return this.#compacted(error.compactRevision, endpoint);
    const failure = classify(error);
    const denied = failure.kind === 'verdict' && failure.code === 'PermissionDenied';
    if (!denied && failure.kind !== 'token') return error;
    const { authentication } = this.#calls;
    if (!authentication.configured || (denied && this.#tokenRenewed)) {
      return subjectError(denied ? 'PermissionDenied' : 'Unauthenticated', failure.text, this.#at(endpoint), error);
    }
    // A denial may be the token's fault too: older servers say so of one that has expired.
    this.#tokenRenewed = true;
    authentication.refused(token);
    return error;
  }

  #compacted(revision: bigint, endpoint: Endpoint): SetpointError {
    const asked = `${this.#subject().what} from revision ${this.#cursor.next}`;
    const text = `${asked}: the history is compacted up to ${revision}; list again and watch from there`;
    return new SetpointError('Compacted', text, { details: { revision, endpoint: endpoint.url } });
  }

  /** Rethrows what can't be mended. Otherwise the next stream goes to another endpoint, if there is one. */
  #mend(error: unknown, endpoint: Endpoint): void {
    if (isSetpointError(error) && !error.retryable) throw error;
    this.#calls.endpoints.failed(endpoint);
    this.#tell(subjectError('Unavailable', textOf(error), this.#at(endpoint), error));
  }

  /** Tells the consumer once for each outage, and once when it is over. */
  #tell(error: SetpointError | undefined): void {
    const connected = error === undefined;
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (error)
      this.#log().warn({ code: error.code, reason: error.message }, 'a watch lost its stream and is opening another');
    try {
      this.#options.onConnection?.(error);
    } catch (thrown) {
      this.#log().error({ reason: String(thrown) }, 'an onConnection callback threw');
    }
  }

  #at(endpoint: Endpoint): CallSubject {
    return { ...this.#subject(), endpoint: endpoint.url };
  }

  #log(): Calls['settings']['logger'] {
    return this.#calls.settings.logger;
  }
}
