import { type Clock, sleep } from '../internal/clock.ts';
import type { CallOptions, Store } from '../store/index.ts';

/** More calls than most tests make without the clock moving. */
const CALLS_AT_ONCE_MAX = 500;
/** What a call takes from then on. */
const CALL_MS = 100;
/** How many calls a millisecond makes forgotten: a hundred a second go on for ever without being slowed down. */
const FORGOTTEN_PER_MS = 0.1;

const CALLS: readonly string[] = ['range', 'put', 'delete', 'txn'] satisfies (keyof Store)[];

/**
 * On virtual time a call takes no time, so a reconciler that wakes itself up by what it writes would spin in one
 * instant, and the test would hang in it. Here calls begin to take time when there are hundreds of them in one instant: the
 * clock moves again, and who waits for rest can say that there is none.
 */
export function pacedStore(inner: Store, clock: Clock): Store {
  let [instant, calls] = [clock.now(), 0];
  const paced =
    (name: 'range') =>
    async (request: never, options?: CallOptions): Promise<unknown> => {
      calls = Math.max(0, calls - (clock.now() - instant) * FORGOTTEN_PER_MS);
      instant = clock.now();
      if (++calls > CALLS_AT_ONCE_MAX) await sleep(clock, CALL_MS);
      return inner[name](request, options);
    };
  return new Proxy(inner, {
    get(target, name) {
      if (CALLS.includes(name as string)) return paced(name as 'range');
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
