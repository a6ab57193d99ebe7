import { SetpointError } from '../errors/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';

/** So long at most: a profile grows with time, and is held in memory. */
export const PROFILE_SECONDS_MAX = 60;

let underWay = false;

/**
 * What this process does for so many seconds, as a `.cpuprofile` that Chrome's developer tools and editors open. Ends
 * early, with what there is, when `signal` aborts. One at a time, else `TooManyRequests`.
 */
export async function takeCpuProfile(seconds: number, clock: Clock, signal: AbortSignal): Promise<string> {
  if (!(seconds > 0 && seconds <= PROFILE_SECONDS_MAX)) {
    throw new SetpointError('Invalid', `seconds must be above 0 and at most ${PROFILE_SECONDS_MAX}`);
  }
  if (underWay) throw new SetpointError('TooManyRequests', 'a profile is being taken already: wait for it');
  underWay = true;
  // Not every build of Node has an inspector, and nobody else should pay for it.
  const { Session } = await import('node:inspector/promises').catch((error: unknown) => {
    underWay = false;
    throw new SetpointError('Unsupported', 'this build of Node has no inspector', { cause: error });
  });
  const session = new Session();
  try {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await sleep(clock, seconds * 1000, signal);
    const { profile } = await session.post('Profiler.stop');
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
    underWay = false;
  }
}
