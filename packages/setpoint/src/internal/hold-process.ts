import type { Clock, Timer } from './clock.ts';

/** Any length will do: the timer does nothing but be there, and is set again when it fires. */
const HOLD_MS = 3_600_000;

/**
 * Keeps the process alive until the returned function is called. Other timers of the clock don't, by design, and a
 * control plane on an in-memory store has nothing else that would.
 */
export function holdProcess(clock: Clock): () => void {
  let timer: Timer;
  const hold = (): void => {
    timer = clock.setTimer(hold, HOLD_MS, { ref: true });
  };
  hold();
  return () => timer.cancel();
}
