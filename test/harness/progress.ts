export interface ProgressOptions {
  /** What is under way, as the line names it. */
  readonly what: string;
  /** How many of them there are to do. */
  readonly wanted: number;
  /** What they are, such as `cycles`. */
  readonly unit: string;
  /** Milliseconds between two lines at least. Default 10,000. */
  readonly everyMs?: number;
  readonly now?: () => number;
  readonly say?: (line: string) => void;
}

/** Tells whoever waits for long work how far it has come and, at the rate so far, how long the rest will take. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  #saidAt: number;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#saidAt = this.#now();
  }

  /** Call it as often as you like; `more` is said beside the count. Work that is done needs no line: its outcome comes. */
  at(done: number, more?: string): void {
    const { what, wanted, unit, everyMs = 10_000, say = console.log } = this.#options;
    const now = this.#now();
    if (now - this.#saidAt < everyMs || done <= 0 || done >= wanted) return;
    this.#saidAt = now;
    const left = ((now - this.#startedAt) / done) * (wanted - done);
    say([`${what}: ${done} of ${wanted} ${unit}`, ...(more ? [more] : []), `${timeText(left)} to go`].join(', '));
  }
}

function timeText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = seconds / 60;
  return minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}
