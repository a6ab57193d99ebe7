import { type ErrorCode, isSetpointError } from 'setpoint';
import { openSession, type Session, type SessionOptions } from 'setpoint/coordination';
import type { Logger } from 'setpoint/internal';
import { keyText, memoryStore, type Store, type TxnRequest } from 'setpoint/store';
import { FakeClock, seededRandom } from 'setpoint/testing';

type Txn = ReturnType<Store['txn']>;

/** Where the keys of the lock `l` are. */
export const LOCK_PREFIX = '/setpoint/locks/l/';

/** A store on virtual time, and sessions on it. */
export function lockBed() {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  /** What was warned of. */
  const said: string[] = [];
  const warn = (_: object, message: string): void => void said.push(message);
  const logger: Logger = { debug() {}, info() {}, error() {}, warn, child: () => logger };
  let seed = 1;
  return {
    clock,
    store,
    said,
    open: (options: Partial<SessionOptions> = {}): Promise<Session> =>
      openSession({ store, clock, random: seededRandom(seed++), ttlSeconds: 6, logger, ...options }),
    keys: async (): Promise<string[]> =>
      (await store.range({ prefix: LOCK_PREFIX })).kvs.map(({ key }) => keyText(key)),
    /** The store, with a say in each transaction. */
    meddling: (meddle: (request: TxnRequest, send: () => Txn) => Txn): Store =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'txn')
            return (request: TxnRequest, options?: object) => meddle(request, () => store.txn(request, options));
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      }),
  };
}

/** What became of a promise by now. */
export function outcome<T>(promise: Promise<T>): { value?: T; error?: unknown; code?: ErrorCode } {
  const state: { value?: T; error?: unknown; code?: ErrorCode } = {};
  promise.then(
    (value) => (state.value = value),
    (error: unknown) => {
      state.error = error;
      if (isSetpointError(error)) state.code = error.code;
    },
  );
  return state;
}
