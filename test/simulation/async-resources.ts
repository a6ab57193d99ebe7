import { createHook } from 'node:async_hooks';

/** What plain promise work creates. Everything else is a timer, I/O or a thread: something a simulation can't control. */
const PROMISE_WORK = new Set(['PROMISE', 'Microtask', 'TickObject']);

/**
 * Runs `work` and names every asynchronous resource but promises that comes to be meanwhile, with the place in the
 * sources that made it. One immediate for each turn of the virtual clock is the kit's own and is left out: it is
 * how the clock lets promises settle.
 */
export async function escapesDuring(work: () => Promise<void>): Promise<readonly string[]> {
  const escapes: string[] = [];
  const hook = createHook({
    init(_id, type) {
      if (PROMISE_WORK.has(type)) return;
      const stack = new Error(type).stack ?? '';
      if (type === 'Immediate' && /at settle /.test(stack)) return;
      escapes.push(`${type} from ${sourceLines(stack).slice(0, 4).join(' < ')}`);
    },
  }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return escapes;
}

/** The lines of a stack that are not Node's own or this file's, innermost first. */
function sourceLines(stack: string): readonly string[] {
  const lines = stack.split('\n').slice(1);
  return lines.filter((line) => !/node:internal|async-resources/.test(line)).map((line) => line.trim());
}
