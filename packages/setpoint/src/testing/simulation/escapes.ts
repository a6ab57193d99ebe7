import { createHook } from 'node:async_hooks';
import { placeOf } from './place.ts';

/** What promise work alone creates. Everything else is a timer, I/O or a thread: out of the simulation's hands. */
const PROMISE_WORK: readonly string[] = ['PROMISE', 'Microtask', 'TickObject'];

/** Real asynchronous work that was begun in a run. */
export interface Escape {
  /** Node's name for it: `Timeout`, `FSREQPROMISE`, `GETADDRINFOREQWRAP`, … */
  readonly type: string;
  readonly place?: string;
}

/**
 * Names the real asynchronous work that comes to be until the returned function is called, which gives it. Blind to
 * `Atomics.waitAsync` and to finalization callbacks; runs that differ for no visible reason are how these show.
 */
export function watchEscapes(): () => readonly Escape[] {
  const escapes: Escape[] = [];
  const hook = createHook({
    init(_id, type) {
      if (PROMISE_WORK.includes(type)) return;
      const { stack } = new Error();
      if (type === 'Immediate' && /drain\.[jt]s/.test(stack ?? '')) return;
      escapes.push({ type, ...placeOf(stack?.replace(/.*escapes\.[jt]s.*\n/g, '')) });
    },
  }).enable();
  return () => {
    hook.disable();
    return escapes;
  };
}
