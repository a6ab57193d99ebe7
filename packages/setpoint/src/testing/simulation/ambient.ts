import { placeOf } from './place.ts';
import type { World } from './world.ts';

/** What user code may take from its surroundings without asking, and what a run puts in its place. */
interface Surroundings {
  Date: DateConstructor;
  setTimeout: typeof setTimeout;
  setInterval: typeof setInterval;
  setImmediate: typeof setImmediate;
  clearTimeout: typeof clearTimeout;
  clearInterval: typeof clearInterval;
  clearImmediate: typeof clearImmediate;
}

const surroundings = globalThis as unknown as Surroundings;

/**
 * Puts the world's time and randomness in place of the machine's, for code that uses them directly, until the returned
 * function is called. A timer that is set this way is reported: nothing can cut it short, and it outlives its attempt.
 */
export function enterWorld(world: World, reportTimers: boolean): () => void {
  const real = { ...pick(surroundings) };
  const realRandom = Math.random;
  const { clock } = world;
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed / 2 ** 31;
  };
  Object.assign(surroundings, virtualTimers(world, reportTimers));
  surroundings.Date = virtualDate(real.Date, () => clock.wallNow());
  const restoreNow = replace(performance, 'now', () => clock.now());
  const restoreUuid = replace(crypto, 'randomUUID', () => {
    const digits = (length: number): string =>
      Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
    return `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
  });
  Math.random = random;
  const rejections = process.listeners('unhandledRejection');
  const onRejection = (reason: unknown): void =>
    world.violate({
      oracle: 'hygiene',
      message: `a promise was rejected and nobody handles it: ${reason instanceof Error ? reason.message : String(reason)}`,
      ...placeOf(reason instanceof Error ? reason.stack : undefined),
    });
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', onRejection);
  return () => {
    process.off('unhandledRejection', onRejection);
    for (const listener of rejections) process.on('unhandledRejection', listener);
    Object.assign(surroundings, real);
    Math.random = realRandom;
    restoreNow();
    restoreUuid();
  };
}

/** Gives `object` another method, until the returned function puts back what it had: one of its own, or its prototype's. */
function replace<T extends object, Name extends keyof T>(object: T, name: Name, method: T[Name]): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  object[name] = method;
  return () => {
    if (own) Object.defineProperty(object, name, own);
    else Reflect.deleteProperty(object, name);
  };
}

function pick(from: Surroundings): Surroundings {
  const { Date, setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = from;
  return { Date, setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
}

function virtualDate(RealDate: DateConstructor, now: () => number): DateConstructor {
  return new Proxy(RealDate, {
    construct: (target, args: [], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
}

interface VirtualTimer {
  cancelled: boolean;
  cancel: () => void;
}

function virtualTimers(world: World, report: boolean): object {
  const set = (repeat: boolean, callback: (...args: unknown[]) => void, ms: number, args: unknown[]): object => {
    if (report) {
      world.violate({
        oracle: 'hygiene',
        message:
          'a timer of its own: it goes on when the attempt is over. Use sleep(clock, ms, signal) or requeueAfterMs',
        ...placeOf(new Error().stack),
      });
    }
    const timer: VirtualTimer = { cancelled: false, cancel: () => {} };
    const arm = (): void => {
      const pending = world.clock.setTimer(() => {
        if (timer.cancelled) return;
        if (repeat) arm();
        callback(...args);
      }, ms || 1);
      timer.cancel = () => pending.cancel();
    };
    arm();
    const handle = { ref: () => handle, unref: () => handle, hasRef: () => true, refresh: () => handle, timer };
    return handle;
  };
  const clear = (handle: { timer?: VirtualTimer } | undefined): void => {
    if (!handle?.timer) return;
    handle.timer.cancelled = true;
    handle.timer.cancel();
  };
  type Callback = (...args: unknown[]) => void;
  return {
    setTimeout: (callback: Callback, ms = 0, ...args: unknown[]) => set(false, callback, ms, args),
    setInterval: (callback: Callback, ms = 0, ...args: unknown[]) => set(true, callback, ms, args),
    setImmediate: (callback: Callback, ...args: unknown[]) => set(false, callback, 0, args),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  };
}
