import type { Clock } from './clock.ts';
import { describeError } from './describe-error.ts';
import type { Logger } from './logger.ts';

const LINES_PER_WINDOW_MAX = 10;
const WINDOW_MS = 10_000;

/**
 * Error lines of one component at a rate that no failing loop can exceed: 10 in 10 s; the rest is counted and told as
 * `suppressed` with the next line.
 */
export class ErrorLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #windowStart = -Infinity;
  #lines = 0;
  #suppressed = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  write(error: unknown, fields: object, message: string): void {
    const now = this.#clock.now();
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_PER_WINDOW_MAX) {
      this.#suppressed++;
      return;
    }
    this.#lines++;
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#suppressed = 0;
    this.#logger.error({ ...fields, err: describeError(error), ...suppressed }, message);
  }
}
