import type { ObjectRef } from '../client/index.ts';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock, type Timer } from '../internal/clock.ts';
import { parseCron } from './cron.ts';
import type { Source, SourceSink } from './source.ts';
import { refKey } from './to-keys.ts';

export interface TimerSourceOptions {
  /** Default 'timer'. */
  readonly name?: string;
  /** The time between two rounds, in milliseconds; the first is that long after the start. Instead of `cron`. */
  readonly everyMs?: number;
  /**
   * Five fields, in UTC: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday), each `*`, a
   * number, a range `1-5`, a step such as `*` + `/15`, or a list of these. Instead of `everyMs`.
   */
  readonly cron?: string;
  /** What to reconcile at each round; asked each time. */
  readonly keys: () => Iterable<ObjectRef>;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * A source that asks for reconciles as time passes: for what no event tells of. What happened while the process slept
 * or was down is not made up for, but by the reconcile of everything at the start.
 *
 * @throws Invalid when there is neither or both of `everyMs` and `cron`, or one that can't be.
 */
export function timerSource(options: TimerSourceOptions): Source {
  const { name = 'timer', keys, clock = systemClock } = options;
  const nextInMs = waits(options, clock);
  return {
    name,
    start(sink, signal) {
      let timer: Timer;
      const arm = (): void => void (timer = clock.setTimer(round, nextInMs()));
      const round = (): void => {
        enqueueAll(keys, name, sink);
        arm();
      };
      if (signal.aborted) return Promise.resolve();
      arm();
      signal.addEventListener('abort', () => timer.cancel(), { once: true });
      return Promise.resolve();
    },
  };
}

/** How long until the next round, asked right after the one before. */
function waits({ everyMs, cron }: TimerSourceOptions, clock: Clock): () => number {
  if ((everyMs === undefined) === (cron === undefined)) {
    throw new SetpointError('Invalid', 'timerSource takes either everyMs or cron');
  }
  if (cron !== undefined) {
    const next = parseCron(cron);
    return () => next(clock.wallNow()) - clock.wallNow();
  }
  if (!Number.isFinite(everyMs) || everyMs! <= 0) {
    throw new SetpointError(
      'Invalid',
      `timerSource everyMs must be a number of milliseconds above 0; got ${String(everyMs)}`,
    );
  }
  return () => everyMs!;
}

function enqueueAll(keys: TimerSourceOptions['keys'], source: string, sink: SourceSink): void {
  try {
    for (const ref of keys()) sink.enqueue(refKey(ref), { cause: { type: 'resync', source } });
  } catch (error) {
    sink.report(error, { source, stage: 'keys' });
  }
}
