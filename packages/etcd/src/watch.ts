import { SetpointError, isSetpointError } from 'setpoint';
import { Backoff, type LinkedAbort, linkedAbort, sleep } from 'setpoint/internal';
import type { WatchBatch, WatchOptions, WatchRequest } from 'setpoint/store';
import type { Calls } from './calls.ts';
import type { Endpoint } from './endpoint.ts';
import { type CallSubject, classify, subjectError, textOf } from './error-mapping.ts';
import { encodeRange, encodeWatch } from './protobuf/index.ts';
import { rangeRpc, watchRpc } from './rpcs.ts';
import { WatchCursor } from './watch-cursor.ts';
import { readWatchStream, WatchCancelled, type WatchMessage } from './watch-stream.ts';

/** A stream that carried something, or lived so long, was a good one: the next break is mended at once. */
const GOOD_STREAM_MS = 5000;

/** One watch as the port promises it, over as many streams as it takes: each break is mended from the cursor. */
export class Watch {
  readonly #calls: Calls;
  readonly #request: WatchRequest;
  readonly #options: WatchOptions;
  readonly #subject: () => CallSubject;
  readonly #cursor: WatchCursor;
  readonly #stop: LinkedAbort;
  readonly #backoff: Backoff;
  /** No answer may be of an older revision than this: seen before the watch, or delivered by it. */
  #floor: bigint;
  #connected: boolean | undefined;
  /** Set when the last refusal may be the token's fault and a fresh one is being tried. */
  #tokenRenewed = false;

  constructor(calls: Calls, request: WatchRequest, options: WatchOptions, subject: () => CallSubject) {
    this.#calls = calls;
    this.#request = request;
    this.#options = options;
    this.#subject = subject;
    this.#cursor = new WatchCursor(request);
    this.#stop = linkedAbort(calls.closing, options.signal);
    this.#backoff = new Backoff({ baseMs: 50, maxMs: 3000 }, calls.settings.random);
    this.#floor = calls.highestRevision;
  }

  async *batches(): AsyncGenerator<WatchBatch, void, void> {
    const { clock } = this.#calls.settings;
    try {
      while (!this.#stop.signal.aborted) {
        const endpoint = await this.#calls.endpoints.usable(this.#stop.signal);
        if (!endpoint) break;
        const openedAt = clock.now();
        try {
          yield* this.#oneStream(endpoint);
          throw new Error('the server ended the stream');
        } catch (error) {
          if (this.#stop.signal.aborted) break;
          if (clock.now() - openedAt >= GOOD_STREAM_MS) this.#backoff.reset();
          this.#mend(error, endpoint);
        }
        await sleep(clock, this.#backoff.next(), this.#stop.signal, { ref: true });
      }
      if (!this.#options.signal?.aborted) throw subjectError('Closed', 'the store was closed', this.#subject());
    } finally {
      this.#stop.unlink();
    }
  }

  async *#oneStream(endpoint: Endpoint): AsyncGenerator<WatchBatch, void, void> {
    const { settings } = this.#calls;
    const token = await this.#token(endpoint);
    const stream = endpoint.transport.stream(watchRpc, { token, requireLeader: true });
    const cancel = (): void => stream.cancel();
    this.#stop.signal.addEventListener('abort', cancel, { once: true });
    try {
      if (this.#stop.signal.aborted) return;
      stream.write(encodeWatch(this.#request, this.#cursor.next, settings.watchFragments));
      const limits = {
        clock: settings.clock,
        createTimeoutMs: settings.callTimeoutMs,
        silenceMs: settings.watchSilenceMs,
      };
      for await (const message of readWatchStream(stream, limits)) {
        if (message.type === 'created') await this.#created(message, endpoint);
        const batch = this.#deliver(message);
        if (batch) yield batch;
        if (this.#stop.signal.aborted) return;
      }
    } catch (error) {
      throw this.#meaning(error, endpoint, token);
    } finally {
      this.#stop.signal.removeEventListener('abort', cancel);
    }
  }

  async #token(endpoint: Endpoint): Promise<string | undefined> {
    try {
      return await this.#calls.authentication.token(endpoint.transport);
    } catch (error) {
      const failure = classify(error);
      if (failure.kind === 'verdict') throw subjectError(failure.code, failure.text, this.#at(endpoint), error);
      throw error;
    }
  }

  /** The batch that a message amounts to, if any. */
  #deliver(message: WatchMessage): WatchBatch | undefined {
    switch (message.type) {
      case 'created': {
        const mark = this.#cursor.created(message.revision);
        if (mark !== undefined) this.#floor = mark;
        return mark === undefined ? undefined : { revision: mark, events: [] };
      }
      case 'progress':
        if (!this.#cursor.progress(message.revision)) return undefined;
        return this.#delivered({ revision: message.revision, events: [] });
      case 'events': {
        const events = this.#cursor.accept(message.events);
        const dropped = this.#cursor.takeDropped();
        if (dropped > 0)
          this.#log().warn(
            { dropped, watch: this.#subject().what },
            'left out watch events that were old or not asked for',
          );
        return events.length === 0 ? undefined : this.#delivered({ revision: events.at(-1)!.kv.modRevision, events });
      }
    }
  }

  #delivered(batch: WatchBatch): WatchBatch {
    this.#backoff.reset();
    if (batch.revision > this.#floor) this.#floor = batch.revision;
    return batch;
  }

  /** The stream stands. A server whose history is behind ours may only be late, or may have lost it. */
  async #created(message: { revision: bigint; clusterId: string }, endpoint: Endpoint): Promise<void> {
    const { clusterId } = this.#calls.endpoints.cluster;
    if (message.clusterId !== clusterId) {
      throw subjectError(
        'ClusterMismatch',
        `cluster ${message.clusterId} answered, not ${clusterId}`,
        this.#at(endpoint),
      );
    }
    this.#tokenRenewed = false;
    if (message.revision < this.#floor) await this.#confirmHistory();
    this.#tell(undefined);
  }

  /** Asks the cluster, not one member, for its revision. Throws `HistoryReset` when it is below what was seen. */
  async #confirmHistory(): Promise<void> {
    const options = { signal: this.#stop.signal };
    const request = encodeRange({ ...this.#request, limit: 1, keysOnly: true });
    const { body } = await this.#calls.unary(rangeRpc, request, { subject: this.#subject, write: false }, options);
    const { revision } = body;
    if (revision >= this.#floor) return;
    this.#calls.lowerRevision(revision);
    throw new SetpointError(
      'HistoryReset',
      `${this.#subject().what}: the store is at revision ${revision}, ${this.#floor} was seen before; its data was restored from a backup or wiped: list again`,
      { details: { revision } },
    );
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
