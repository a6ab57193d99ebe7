import type { ObjectRef } from '../client/index.ts';
import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock, type Timer } from '../internal/clock.ts';
import { parseCron } from './cron.ts';
import type { Source, SourceSink } from './source.ts';
import { refKeys } from './to-keys.ts';

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

/** Looks at the clock at least so often: the wall clock may have been set, or the machine have slept. */
const LOOK_MS = 60_000;

/** A wall clock that is set back by more was wrong before: what is due is told by its new time. */
const SET_BACK_MAX_MS = 600_000;

/**
 * A source that asks for reconciles as time passes: for what no event tells of. What happened while the process slept
 * or was down is not made up for, but by the reconcile of everything at the start.
 *
 * @throws Invalid when there is neither or both of `everyMs` and `cron`, or one that can't be.
 */
export function timerSource(options: TimerSourceOptions): Source {
  const { name = 'timer', keys, clock = systemClock } = options;
  const wait = waits(options, clock);
  return {
    name,
    start(sink, signal) {
      let timer: Timer;
      const arm = (leftMs: number): void => void (timer = clock.setTimer(look, Math.min(leftMs, LOOK_MS)));
      let due = wait();
      const look = (): void => {
        const leftMs = due();
        if (leftMs > 0) return arm(leftMs);
        enqueueAll(keys, name, sink);
        if (signal.aborted) return; // the keys were asked for by somebody who stopped us
        due = wait();
        arm(due());
      };
      if (signal.aborted) return Promise.resolve();
      arm(due());
      signal.addEventListener('abort', () => timer.cancel(), { once: true });
      return Promise.resolve();
    },
  };
}

/**
 * Begins the wait for the next round, and tells at any time how much of it is left. For cron the wall clock decides: a
 * timer that fires a little early, or a clock that was set back a little, makes no round of its own.
 */
function waits({ everyMs, cron }: TimerSourceOptions, clock: Clock): () => () => number {
  if ((everyMs === undefined) === (cron === undefined)) {
    throw new SetpointError('Invalid', 'timerSource takes either everyMs or cron');
  }
  if (cron !== undefined) {
    const next = parseCron(cron);
    return () => {
      let began = clock.wallNow();
      let due = next(began);
      return () => {
        const now = clock.wallNow();
        if (now < began - SET_BACK_MAX_MS) due = next((began = now));
        return due - now;
      };
    };
  }
  if (!Number.isFinite(everyMs) || everyMs! <= 0) {
    throw new SetpointError(
      'Invalid',
      `timerSource everyMs must be a number of milliseconds above 0; got ${String(everyMs)}`,
    );
  }
  return () => {
    const due = clock.now() + everyMs!;
    return () => due - clock.now();
  };
}

function enqueueAll(keys: TimerSourceOptions['keys'], source: string, sink: SourceSink): void {
  try {
    for (const key of refKeys(keys())) sink.enqueue(key, { cause: { type: 'resync', source } });
  } catch (error) {
    sink.report(error, { source, stage: 'keys' });
  }
}
