import { isSetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { describeError } from '../internal/describe-error.ts';
import type { Logger } from '../internal/logger.ts';

/** So many lines at once, then so many a second: a failing fleet must not fill a disk. Metrics count every failure. */
const BURST = 100;
const LINES_PER_SECOND = 10;

/** One line for each failure, while there are not too many; the next line then says how many were left out. */
export class FailureLog {
  readonly #clock: Clock;
  #tokens = BURST;
  #refilledAt: number;
  #suppressed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledAt = clock.now();
  }

  failed(logger: Logger, error: unknown, fields: object, message: string): void {
    if (!this.#take()) {
      this.#suppressed++;
      return;
    }
    const line = {
      ...fields,
      err: describeError(error),
      ...(this.#suppressed > 0 ? { suppressed: this.#suppressed } : {}),
    };
    this.#suppressed = 0;
    // Losing a race against another writer is the normal course of things, and the retry mends it.
    if (isSetpointError(error, 'Conflict')) logger.info(line, message);
    else logger.error(line, message);
  }

  #take(): boolean {
    const now = this.#clock.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#refilledAt) / 1000) * LINES_PER_SECOND);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
