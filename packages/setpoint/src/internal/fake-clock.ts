import { type Clock, realImmediate, type Timer } from './clock.ts';

interface PendingTimer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Virtual time for tests: it stands still until {@link FakeClock.advance} moves it, firing every timer on the way in
 * order of due time, and letting all promise work settle in between.
 */
export class FakeClock implements Clock {
  #now = 0;
  #wallOffset: number;
  #order = 0;
  readonly #timers = new Set<PendingTimer>();

  /** `wallStart` is the wall time at `now() === 0`, in milliseconds since 1970; default 2026-01-01T00:00:00Z. */
  constructor(wallStart: number = 1_767_225_600_000) {
    this.#wallOffset = wallStart;
  }

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#wallOffset + this.#now;
  }

  /** Moves the wall clock alone, as an operator or NTP may. */
  jumpWall(byMs: number): void {
    this.#wallOffset += byMs;
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = { due: this.#now + Math.max(delayMs, 0), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** In virtual time nothing is pending outside, so yielding is one promise turn. */
  yield(): Promise<void> {
    return Promise.resolve();
  }

  /** How many timers are set: 0 after a clean stop. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due, or undefined when none is set. */
  get nextTimerIn(): number | undefined {
    const next = this.#next();
    return next && next.due - this.#now;
  }

  /** Moves time on by `byMs`, firing what comes due, and settles. */
  async advance(byMs: number): Promise<void> {
    const end = this.#now + byMs;
    await settle();
    for (let next = this.#next(); next && next.due <= end; next = this.#next()) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #next(): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.due < next.due || (timer.due === next.due && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** Resolves once every promise job that is ready now, and what those make ready, has run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}
