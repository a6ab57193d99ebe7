/**
 * # OpenTelemetry
 *
 * Spans for what setpoint does, for a tracer of yours: this folder depends on no package of OpenTelemetry, it is handed
 * one. It listens to the diagnostics channels, so nothing has to be wrapped, and without it nothing is paid for.
 *
 * What is traced, and how it hangs together: a write of an object is a span that carries the revision at which it was
 * applied. A cache that takes that revision in is a span with a link to the write. The reconcile that it led to is a
 * span with links to both, with its time in the queue as a child; and the writes that it makes are its children, from
 * where it goes on. A backend that shows links shows the whole way from a change to what became of it, also over
 * several objects and controllers of one process. Spans of other processes meet in the attribute `setpoint.revision`.
 *
 * ```ts
 * import * as api from '@opentelemetry/api';
 * const tracing = traceWith(api);
 * await manager.run();
 * tracing.stop();
 * ```
 *
 * Next: `trace-with.ts`, then `causality.ts`
 */
export type { OpenTelemetryApi } from './api.ts';
export { traceWith, type Tracing, type TracingOptions } from './trace-with.ts';
