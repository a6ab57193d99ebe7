/** As much of `@opentelemetry/api` as is used here; the package itself fits. */
export interface OpenTelemetryApi {
  readonly trace: {
    getTracer(name: string): Tracer;
    setSpan(context: object, span: Span): object;
  };
  readonly context: {
    active(): object;
    with<T>(context: object, work: () => T): T;
  };
}

export interface Tracer {
  startSpan(name: string, options?: SpanOptions, context?: object): Span;
}

export interface SpanOptions {
  readonly attributes?: Record<string, string | number | boolean | string[]>;
  readonly links?: { readonly context: SpanContext }[];
  /** Milliseconds since 1970. */
  readonly startTime?: number;
  /** Whether it has no parent whatever is active. */
  readonly root?: boolean;
}

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

export interface Span {
  spanContext(): SpanContext;
  setAttribute(name: string, value: string | number | boolean): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  /** Since version 1.9 of the API. */
  addLink?(link: { readonly context: SpanContext }): unknown;
  recordException(exception: Error | string): void;
  end(endTime?: number): void;
}

/** `SpanStatusCode.ERROR`. */
const ERROR = 2;

/** Marks a span as failed, with the error's message; values never are in the messages of setpoint's errors. */
export function failed(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: ERROR, message });
}
