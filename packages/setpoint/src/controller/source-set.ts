import { SetpointError } from '../errors/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import type { Source, SourceSink } from '../source/index.ts';

export interface StartSourcesOptions {
  readonly controller: string;
  readonly sink: SourceSink;
  /** Ends the sources, now or later. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Starts all sources at once and resolves when each is synced, or when `signal` aborts. Rejects with the error of one
 * that can't start, or with `Timeout` naming those that did not sync in time; then none is left running.
 */
export async function startSources(sources: readonly Source[], options: StartSourcesOptions): Promise<void> {
  const feeding = linkedAbort(options.signal);
  const waiting = new Set(sources);
  const starts = sources.map(async (source) => {
    await source.start(sinkOf(source, options.sink), feeding.signal);
    waiting.delete(source);
  });
  const decided = linkedAbort(feeding.signal);
  const limit = sleep(options.clock, options.timeoutMs, decided.signal).then(() => {
    if (decided.signal.aborted) return;
    throw new SetpointError('Timeout', timeoutMessage(options, waiting));
  });
  try {
    // The limit resolves early when the signal aborts; what a source says after that is of no interest.
    await Promise.race([Promise.all(starts), limit]);
  } catch (error) {
    if (options.signal.aborted) return;
    feeding.abort(error);
    throw error;
  } finally {
    decided.abort(undefined);
    decided.unlink();
  }
}

/** What one source is given: a key that can't be one is reported like any other error of user code, not thrown at it. */
function sinkOf({ name }: Source, sink: SourceSink): SourceSink {
  return {
    enqueue(key, notes) {
      try {
        sink.enqueue(key, notes?.cause ? notes : { ...notes, cause: { type: 'event', source: name } });
      } catch (error) {
        sink.report(error, { source: name, stage: 'keys' });
      }
    },
    report: (error, during) => sink.report(error, during),
  };
}

function timeoutMessage(options: StartSourcesOptions, waiting: ReadonlySet<Source>): string {
  const names = [...waiting].map((source) => source.name).join(', ');
  return (
    `controller '${options.controller}' did not start: no complete cache of ${names} within ${options.timeoutMs} ms. ` +
    'Is the store reachable, and does something run the informer? cacheSyncTimeoutMs waits longer'
  );
}
