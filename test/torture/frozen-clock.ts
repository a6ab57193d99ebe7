import { type Clock, systemClock, type Timer } from 'setpoint/internal';

/**
 * The machine's clock, with timers that can be held: to what runs on it a stopped process, or an event loop that is
 * blocked. Time goes on meanwhile, as it does there.
 */
export class FrozenClock implements Clock {
  #frozen = false;
  readonly #due: (() => void)[] = [];

  now(): number {
    return systemClock.now();
  }

  wallNow(): number {
    return systemClock.wallNow();
  }

  yield(): Promise<void> {
    return systemClock.yield();
  }

  setTimer(callback: () => void, delayMs: number, options?: { readonly ref?: boolean }): Timer {
    let cancelled = false;
    const fire = (): void => {
      if (cancelled) return;
      if (this.#frozen) this.#due.push(fire);
      else callback();
    };
    const timer = systemClock.setTimer(fire, delayMs, options);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const fire of this.#due.splice(0)) fire();
  }
}
