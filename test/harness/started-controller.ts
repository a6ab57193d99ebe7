import { Controller, type ControllerOptions, type Reconciler, type ReconcileReport } from 'setpoint/controller';
import { type Deferred, deferred, type Logger } from 'setpoint/internal';
import type { Source, SourceSink } from 'setpoint/source';
import { FakeClock, seededRandom, settle } from 'setpoint/testing';
import { createMetrics, exponentialLimiter } from 'setpoint/workqueue';

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export function recordingLogger(lines: Line[], bound: object = {}): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  };
}

/** A source that is synced at once and fed by the test. */
export function manualSource(): Source & { sink?: SourceSink; signal?: AbortSignal } {
  const source: Source & { sink?: SourceSink; signal?: AbortSignal } = {
    name: 'manual',
    start(sink, signal) {
      source.sink = sink;
      source.signal = signal;
      return Promise.resolve();
    },
  };
  return source;
}

export async function started(reconcile: Reconciler, options: Partial<ControllerOptions> = {}) {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const reports: ReconcileReport[] = [];
  const metrics = createMetrics();
  const abort = new AbortController();
  const controller = new Controller({
    name: 'test',
    sources: [manualSource()],
    reconcile,
    clock,
    random: seededRandom(1),
    rateLimiter: exponentialLimiter(),
    logger: recordingLogger(lines),
    metrics,
    onReconciled: (report) => void reports.push(report),
    ...options,
  });
  const run = controller.run(abort.signal);
  await controller.ready();
  const metric = (series: string): number => {
    const line = metrics
      .render()
      .split('\n')
      .find((each) => each.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no metric ${series}`);
    return Number(line.slice(series.length + 1));
  };
  const stop = async (): Promise<void> => {
    abort.abort();
    await run;
  };
  return { clock, lines, reports, metric, abort, controller, run, stop };
}

/** A reconciler whose calls the test ends one by one. */
export function held() {
  const calls: { key: string; signal: AbortSignal; end: Deferred<void> }[] = [];
  const reconcile: Reconciler = ({ key }, { signal }) => {
    const end = deferred();
    calls.push({ key, signal, end });
    return end.promise;
  };
  const end = async (key: string): Promise<void> => {
    calls
      .splice(
        calls.findIndex((call) => call.key === key),
        1,
      )[0]!
      .end.resolve();
    await settle();
  };
  const keys = (): string[] => calls.map((call) => call.key);
  return { calls, reconcile, end, keys };
}
