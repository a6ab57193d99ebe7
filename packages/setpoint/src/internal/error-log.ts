import type { Clock } from './clock.ts';
import { describeError } from './describe-error.ts';
import type { Logger } from './logger.ts';

const LINES_PER_WINDOW_MAX = 10;
const WINDOW_MS = 10_000;

/**
 * Error lines of one component at a rate that no failing loop can exceed: 10 in 10 s of each message, so that what fails
 * all the time does not hide what fails once; the rest is counted and told as `suppressed` with the message's next line.
 * Messages are fixed texts; what differs belongs into fields.
 */
export class ErrorLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  write(error: unknown, fields: object, message: string): void {
    const window = this.#windowOf(message);
    if (window.lines >= LINES_PER_WINDOW_MAX) {
      window.suppressed++;
      return;
    }
    window.lines++;
    const suppressed = window.suppressed > 0 ? { suppressed: window.suppressed } : {};
    window.suppressed = 0;
    this.#logger.error({ ...fields, err: describeError(error), ...suppressed }, message);
  }

  #windowOf(message: string): Window {
    const now = this.#clock.now();
    let window = this.#windows.get(message);
    if (!window) this.#windows.set(message, (window = { start: now, lines: 0, suppressed: 0 }));
    if (now - window.start >= WINDOW_MS) Object.assign(window, { start: now, lines: 0 });
    return window;
  }
}

interface Window {
  start: number;
  lines: number;
  suppressed: number;
}
