import type { Clock, Timer } from '../../internal/clock.ts';

/** Whoever sets timers: they go with it, and wait while it is paused. */
export interface TimerOwner {
  dead: boolean;
  pausedUntil: number;
}

interface WorldTimer {
  due: number;
  readonly order: number;
  readonly callback: () => void;
  readonly owner: TimerOwner | undefined;
  live: boolean;
}

/** 2026-01-01T00:00:00Z. */
export const WALL_START = 1_767_225_600_000;

/** The time of a simulated world: it moves when the scheduler fires the next timer, and not otherwise. */
export class WorldClock implements Clock {
  #now = 0;
  #order = 0;
  #wallOffset = WALL_START;
  /** By due time, then by order; dead ones are dropped when they come up. */
  readonly #timers: WorldTimer[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#wallOffset + this.#now;
  }

  /** Moves the wall clock alone, as an operator may. */
  jumpWall(byMs: number): void {
    this.#wallOffset += byMs;
  }

  yield(): Promise<void> {
    return Promise.resolve();
  }

  setTimer(callback: () => void, delayMs: number, _options?: object, owner?: TimerOwner): Timer {
    const due = this.#now + (delayMs > 0 ? delayMs : 0);
    const timer: WorldTimer = { due, order: this.#order++, callback, owner, live: true };
    this.#insert(timer);
    return {
      cancel: () => {
        timer.live = false;
      },
    };
  }

  /** The same time, for one owner. */
  of(owner: TimerOwner): Clock {
    return {
      now: () => this.#now,
      wallNow: () => this.wallNow(),
      yield: () => Promise.resolve(),
      setTimer: (callback, delayMs) => {
        if (owner.dead) return { cancel: () => {} };
        return this.setTimer(callback, delayMs, undefined, owner);
      },
    };
  }

  /** When the next timer is due, Infinity for none. */
  get nextDue(): number {
    for (let next = this.#timers[0]; next; next = this.#timers[0]) {
      if (!next.live || next.owner?.dead) {
        this.#timers.shift();
        continue;
      }
      const { owner } = next;
      if (!owner || owner.pausedUntil <= next.due) return next.due;
      this.#timers.shift();
      next.due = owner.pausedUntil;
      this.#insert(next);
    }
    return Infinity;
  }

  /** Moves on to the next timer and fires it. */
  fireNext(): void {
    const due = this.nextDue;
    const timer = this.#timers.shift();
    if (!timer) return;
    this.#now = Math.max(this.#now, due);
    timer.live = false;
    timer.callback();
  }

  /** Moves on without firing anything; not past the next timer. */
  skipTo(time: number): void {
    this.#now = Math.max(this.#now, Math.min(time, this.nextDue));
  }

  #insert(timer: WorldTimer): void {
    const timers = this.#timers;
    let at = timers.length;
    while (at > 0 && timers[at - 1]!.due > timer.due) at--;
    timers.splice(at, 0, timer);
  }
}
