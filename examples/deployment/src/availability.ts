import type { Outside } from './outside.ts';

export interface Availability {
  readonly samples: number;
  /** The fewest replicas that answered at once. */
  readonly fewest: number;
}

/** A replica may leave between being listed and being asked; its users then ask again, and so does a sample. */
const TRIES = 3;

/**
 * Counts, from now until `signal` aborts and without a pause, how many replicas answer over HTTP. A count below
 * `needed` is taken as true only if it stays so when everything is listed and asked anew at once.
 */
export async function watchAvailability(outside: Outside, needed: number, signal: AbortSignal): Promise<Availability> {
  let samples = 0;
  let fewest = Infinity;
  while (!signal.aborted) {
    let answering = 0;
    for (let tries = 0; tries < TRIES && answering < needed; tries++) {
      answering = Math.max(answering, (await outside.hellos()).length);
    }
    samples += 1;
    fewest = Math.min(fewest, answering);
  }
  return { samples, fewest };
}
