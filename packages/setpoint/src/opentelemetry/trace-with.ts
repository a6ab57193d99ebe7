import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { ReconcileTrace } from '../controller/index.ts';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { watchChannel, type WatchMessage, writeChannel, type WriteTrace } from '../internal/diagnostics.ts';
import { failed, type OpenTelemetryApi, type Span, type Tracer } from './api.ts';
import { Causality } from './causality.ts';

export interface TracingOptions {
  /** The tracer's name. Default `setpoint`. */
  readonly tracerName?: string;
  /** So many writes are remembered, to link what they lead to. Default 10,000. */
  readonly writesMax?: number;
  readonly clock?: Clock;
}

/** Tracing under way. */
export interface Tracing {
  /**
   * Runs `work` with the span of the reconcile that it is called in as OpenTelemetry's active one, so that spans which
   * `work` makes become its children. Outside of a reconcile it just runs.
   */
  within<T>(work: () => T): T;
  /** Makes no further spans; those under way end as they would. */
  stop(): void;
}

/** Makes spans of everything that setpoint does in this process, until it is stopped. Throws `Invalid` for no API. */
export function traceWith(api: OpenTelemetryApi, options: TracingOptions = {}): Tracing {
  const { tracerName = 'setpoint', writesMax = 10_000, clock = systemClock } = options;
  if (typeof api?.trace?.getTracer !== 'function') {
    throw new SetpointError(
      'Invalid',
      "traceWith needs OpenTelemetry's API: import * as api from '@opentelemetry/api'",
    );
  }
  const spans = new Spans(api, api.trace.getTracer(tracerName), new Causality(writesMax), clock);
  const unsubscribes = [spans.ofReconciles(), spans.ofWrites(), spans.ofBatches()];
  return {
    within: (work) => spans.within(work),
    stop: () => unsubscribes.forEach((unsubscribe) => unsubscribe()),
  };
}

/** A reconcile's span, and OpenTelemetry's context with it in. */
interface Current {
  readonly span: Span;
  readonly context: object;
}

const reconcileChannel = tracingChannel<Current, ReconcileTrace>('setpoint:reconcile');

class Spans {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: Tracer;
  readonly #causality: Causality;
  readonly #clock: Clock;
  readonly #current = new AsyncLocalStorage<Current>();
  readonly #reconciles = new WeakMap<ReconcileTrace, Span>();
  readonly #writes = new WeakMap<WriteTrace, Span>();
  /** Up to where each cache was told to be. */
  readonly #told = new Map<string, bigint>();

  constructor(api: OpenTelemetryApi, tracer: Tracer, causality: Causality, clock: Clock) {
    this.#api = api;
    this.#tracer = tracer;
    this.#causality = causality;
    this.#clock = clock;
  }

  within<T>(work: () => T): T {
    const current = this.#current.getStore();
    return current ? this.#api.context.with(current.context, work) : work();
  }

  ofReconciles(): () => void {
    const { start, asyncEnd } = reconcileChannel;
    const ended = (message: unknown): void => this.#reconcileEnded(message as ReconcileTrace);
    start.bindStore(this.#current, (trace) => this.#reconcileStarts(trace));
    asyncEnd.subscribe(ended);
    return () => {
      start.unbindStore(this.#current);
      asyncEnd.unsubscribe(ended);
    };
  }

  ofWrites(): () => void {
    const subscribers = {
      start: (trace: WriteTrace): void => this.#writeStarts(trace),
      end: () => {},
      asyncStart: () => {},
      asyncEnd: (trace: WriteTrace): void => this.#writeEnded(trace),
      error: (trace: WriteTrace & { readonly error?: unknown }): void => {
        const span = this.#writes.get(trace);
        if (span) failed(span, trace.error);
      },
    };
    writeChannel.subscribe(subscribers);
    return () => writeChannel.unsubscribe(subscribers);
  }

  ofBatches(): () => void {
    const took = (message: unknown): void => this.#cacheTook(message as WatchMessage);
    watchChannel.subscribe(took);
    return () => {
      watchChannel.unsubscribe(took);
    };
  }

  #reconcileStarts(trace: ReconcileTrace): Current {
    const { controller, key, reconcileId, attempt, causes, queuedMs } = trace;
    const now = this.#clock.wallNow();
    const attributes = {
      'setpoint.controller': controller,
      'setpoint.key': key,
      'setpoint.reconcile_id': reconcileId,
      'setpoint.attempt': attempt,
      'setpoint.causes': causes.map(({ type, change, source, object }) =>
        [type, change, source, object].filter((part) => part !== undefined).join(' '),
      ),
    };
    const links = this.#causality.of(causes).map((context) => ({ context }));
    const span = this.#tracer.startSpan(`reconcile ${controller}`, { attributes, links, root: true, startTime: now });
    this.#reconciles.set(trace, span);
    const context = this.#api.trace.setSpan(this.#api.context.active(), span);
    if (queuedMs !== undefined) {
      this.#tracer.startSpan(`queue ${controller}`, { startTime: now - queuedMs }, context).end(now);
    }
    return { span, context };
  }

  #reconcileEnded(trace: ReconcileTrace): void {
    const span = this.#reconciles.get(trace);
    if (!span) return;
    const { outcome } = trace;
    if (outcome) span.setAttribute('setpoint.result', outcome.type);
    if (outcome?.type === 'error') failed(span, outcome.error);
    span.end(this.#clock.wallNow());
  }

  #writeStarts(trace: WriteTrace): void {
    const { kind, key } = trace;
    const attributes = { 'setpoint.kind': kind, 'setpoint.key': key };
    const parent = this.#current.getStore()?.context ?? this.#api.context.active();
    const startTime = this.#clock.wallNow();
    this.#writes.set(trace, this.#tracer.startSpan(`write ${kind}`, { attributes, startTime }, parent));
  }

  /** Without a revision nothing was written, because somebody else was first: no failure, its caller tries again. */
  #writeEnded(trace: WriteTrace): void {
    const span = this.#writes.get(trace);
    if (!span) return;
    const { kind, key, revision } = trace;
    span.setAttribute('setpoint.applied', revision !== undefined);
    if (revision !== undefined) {
      span.setAttribute('setpoint.revision', String(revision));
      this.#causality.wrote(kind, key, revision, span.spanContext());
      // Its event may be here before its answer: then the link goes the other way.
      const batch = this.#causality.batchOf(kind, revision);
      if (batch) span.addLink?.({ context: batch });
    }
    span.end(this.#clock.wallNow());
  }

  #cacheTook({ informer, revision, changes }: WatchMessage): void {
    const links = this.#causality.writesAt(informer, revision).map((context) => ({ context }));
    const attributes = {
      'setpoint.informer': informer,
      'setpoint.revision': String(revision),
      'setpoint.changes': changes,
    };
    const now = this.#clock.wallNow();
    const span = this.#tracer.startSpan(`watch ${informer}`, { attributes, links, root: true, startTime: now });
    span.end(now);
    this.#causality.took(informer, this.#told.get(informer) ?? 0n, revision, span.spanContext());
    this.#told.set(informer, revision);
  }
}
