import { type ErrorCode, isSetpointError, type SetpointError } from 'setpoint';
import { Backoff, sleep } from 'setpoint/internal';
import type { CallOptions, KeyValue } from 'setpoint/store';
import { Authentication } from './authentication.ts';
import { CallScope, STOPPED } from './call-scope.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointSet } from './endpoint-set.ts';
import { type CallSubject, classify, outcomeUnknown, subjectError, verdictError } from './error-mapping.ts';
import { History } from './history.ts';
import { duration, type Settings } from './options.ts';
import type { Rpc } from './rpcs.ts';
import type { CallStream, PendingCall, Transport } from './transport.ts';

/** What a call does, which decides what may be done when it fails. */
export interface CallPlan {
  /** Names the call in errors; made only when there is one. */
  readonly subject: () => CallSubject;
  /** A write is sent at most once. Anything else may be asked again. */
  readonly write: boolean;
  /** Default true: a member without a leader refuses at once, and another can be asked. */
  readonly requireLeader?: boolean;
}

/** Sends a request over a transport; `Calls` cancels it. */
type Send<Response> = (transport: Transport, token: string | undefined) => PendingCall<Response>;
/** A header as either codec reads it. */
type Header = { readonly cluster_id: string; readonly revision: string | bigint };
type WithHeader = { readonly header: Header | null };

/**
 * Makes calls: on an endpoint that answers, with a token where one is needed, within a deadline. What provably did not
 * reach a server, and what only reads, is tried again elsewhere until the time is up; a write that was sent is not.
 */
export class Calls {
  readonly endpoints: EndpointSet;
  readonly authentication: Authentication;
  /** Aborts when the store closes. */
  readonly closing: AbortSignal;
  readonly settings: Settings;
  readonly history: History;
  readonly #underWay = new Set<CallScope>();

  constructor(settings: Settings, closing: AbortSignal) {
    this.settings = settings;
    this.closing = closing;
    closing.addEventListener('abort', () => this.#underWay.forEach((scope) => scope.stop()), { once: true });
    this.endpoints = new EndpointSet(settings, closing);
    this.authentication = new Authentication(settings);
    this.history = new History(({ seen, now }) =>
      settings.logger.error(
        { seen: String(seen), now: String(now) },
        'the store has another history than before: a backup was restored or the data was wiped. Raise the incarnation ' +
          'of fencing tokens if systems outside the store check them',
      ),
    );
  }

  unary<Request, Response extends WithHeader>(
    rpc: Rpc<Request, Response>,
    request: Request,
    plan: CallPlan,
    options?: CallOptions,
  ): Promise<Response> {
    const requireLeader = plan.requireLeader ?? true;
    return this.run((transport, token) => transport.unary(rpc, request, { token, requireLeader }), plan, options);
  }

  /** Writes one message to a stream of its own and gives the first that comes back. */
  exchange<Request, Response extends WithHeader>(
    rpc: Rpc<Request, Response>,
    request: Request,
    plan: CallPlan,
    options?: CallOptions,
  ): Promise<Response> {
    const send: Send<Response> = (transport, token) => {
      const stream = transport.stream(rpc, { token, requireLeader: true });
      stream.write(request);
      return { answer: firstOf(stream), cancel: () => stream.cancel() };
    };
    return this.run(send, plan, options);
  }

  /** Makes a call with whatever `send` sends. */
  async run<Response extends WithHeader>(
    send: Send<Response>,
    plan: CallPlan,
    options: CallOptions = {},
  ): Promise<Response> {
    const timeoutMs = duration('timeoutMs', options.timeoutMs, this.settings.callTimeoutMs);
    const scope = new CallScope(this.settings.clock, timeoutMs, this.closing, options.signal);
    this.#underWay.add(scope);
    let backoff: Backoff | undefined;
    try {
      for (;;) {
        const endpoint = (!scope.stopped && this.endpoints.atHand) || (await this.#endpoint(plan, scope));
        const answer = await this.#attempt(endpoint, send, plan, scope);
        if (answer) return answer;
        this.endpoints.failed(endpoint);
        backoff ??= new Backoff({ baseMs: 25, maxMs: 500 }, this.settings.random);
        await sleep(this.settings.clock, backoff.next(), scope.signal, { ref: true });
      }
    } finally {
      this.#underWay.delete(scope);
      scope.end();
    }
  }

  async #endpoint(plan: CallPlan, scope: CallScope): Promise<Endpoint> {
    const endpoint = await this.endpoints.usable(scope.signal);
    if (endpoint === undefined || scope.stopped) throw this.#stopped(plan, scope, undefined);
    return endpoint;
  }

  /** One try on one endpoint: an answer, or undefined when another try is in order; throws when it is not. */
  async #attempt<Response extends WithHeader>(
    endpoint: Endpoint,
    send: Send<Response>,
    plan: CallPlan,
    scope: CallScope,
  ): Promise<Response | undefined> {
    const { clock, dialTimeoutMs } = this.settings;
    const startedAt = clock.now();
    let token: string | undefined;
    scope.sent = false;
    try {
      const login = this.authentication.token(endpoint.transport);
      if (login) token = await scope.until(login);
      const call = send(endpoint.transport, token);
      scope.sent = true;
      return this.#accept(await scope.until(call.answer, () => call.cancel()), endpoint, plan);
    } catch (error) {
      if (error === STOPPED) {
        // A member that is defragmented, or whose disk stalls, still answers pings: calls after this one try the next.
        const hangs = scope.reason === 'timeout' && clock.now() - startedAt >= dialTimeoutMs;
        if (hangs) this.endpoints.failed(endpoint);
        throw this.#stopped(plan, scope, endpoint);
      }
      this.#judge(error, endpoint, token, plan, scope);
      return undefined;
    }
  }

  #accept<Response extends WithHeader>(answer: Response, endpoint: Endpoint, plan: CallPlan): Response {
    const clusterId = answer.header?.cluster_id;
    if (clusterId !== undefined && clusterId !== this.endpoints.cluster.clusterId) {
      const text = `the answer is of cluster ${clusterId}, not of ${this.endpoints.cluster.clusterId}`;
      throw subjectError('ClusterMismatch', text, { ...plan.subject(), endpoint: endpoint.url });
    }
    if (answer.header) {
      const { body } = answer as { readonly body?: { readonly kvs?: readonly KeyValue[] } };
      this.history.observe(endpoint.connection, BigInt(answer.header.revision), body?.kvs);
    }
    return answer;
  }

  /** Returns when the call may be tried again, throws what the caller should see otherwise. */
  #judge(error: unknown, endpoint: Endpoint, token: string | undefined, plan: CallPlan, scope: CallScope): void {
    const subject = (): CallSubject => ({ ...plan.subject(), endpoint: endpoint.url });
    if (isSetpointError(error)) throw error;
    const failure = classify(error);
    switch (failure.kind) {
      case 'verdict':
      case 'partial':
        throw verdictError(failure, subject(), plan.write && scope.sent, error);
      case 'lost':
        if (plan.write && scope.sent)
          throw outcomeUnknown(`the connection was lost (${failure.text})`, subject(), error);
        scope.lastFailure = subjectError('Unavailable', failure.text, subject(), error);
        return;
      case 'token':
        if (!this.authentication.configured) throw subjectError('Unauthenticated', failure.text, subject(), error);
        this.authentication.refused(token);
        scope.lastFailure = subjectError('Unauthenticated', failure.text, subject(), error);
        return;
      case 'unsent':
        scope.lastFailure = subjectError(failure.code, failure.text, subject(), error);
    }
  }

  /** The error of a call that had to end: what is known of its outcome comes first, why it ended second. */
  #stopped(plan: CallPlan, scope: CallScope, endpoint: Endpoint | undefined): SetpointError {
    const subject: CallSubject = { ...plan.subject(), endpoint: endpoint?.url };
    const why = {
      timeout: `no answer within ${scope.timeoutMs} ms`,
      aborted: 'its caller gave it up',
      closed: 'the store was closed',
    }[scope.reason];
    const atServer = endpoint !== undefined && scope.sent;
    if (atServer && plan.write) return outcomeUnknown(why, subject, scope.callerReason);
    if (scope.reason === 'closed') return subjectError('Closed', why, subject);
    if (scope.reason === 'aborted') return subjectError('Aborted', why, subject, scope.callerReason);
    if (atServer) return subjectError('DeadlineExceeded', why, subject, scope.lastFailure);
    if (scope.lastFailure) return withText(scope.lastFailure, subject, `${why}, the last failure being`);
    const code = this.endpoints.commonFault ?? 'Unavailable';
    return subjectError(code, `${why} from any endpoint: ${this.endpoints.describeFaults()}`, subject);
  }
}

function withText(failure: SetpointError, subject: CallSubject, text: string): SetpointError {
  const code: ErrorCode = failure.code;
  return subjectError(code, `${text}: ${failure.message}`, subject, failure);
}

async function firstOf<Response>(stream: CallStream<never, Response>): Promise<Response> {
  try {
    for await (const message of stream) return message;
  } finally {
    stream.cancel();
  }
  throw new Error('the stream ended without an answer');
}
