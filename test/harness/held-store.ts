import { type ErrorCode, SetpointError } from 'setpoint';
import type { CallOptions, Operation, Store } from 'setpoint/store';
import { settle } from 'setpoint/testing';

/** A write on its way to the store, which the test lets through or fails. */
export interface HeldCall {
  readonly operation: Operation;
  readonly options: CallOptions | undefined;
  /** Makes the call and resolves when its answer has arrived. */
  pass(): Promise<void>;
  fail(code: ErrorCode, cause?: unknown): Promise<void>;
}

/** `store`, with each put, delete and transaction waiting for the test. Everything else passes through. */
export function heldStore(store: Store): { readonly store: Store; readonly calls: readonly HeldCall[] } {
  const calls: HeldCall[] = [];
  const hold =
    (kind: 'put' | 'delete' | 'txn') =>
    (request: never, options?: CallOptions): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const pass = async (): Promise<void> => {
          (store[kind] as (request: never) => Promise<unknown>)(request).then(resolve, reject);
          await settle();
        };
        const fail = async (code: ErrorCode, cause?: unknown): Promise<void> => {
          reject(new SetpointError(code, 'said the store', { cause }));
          await settle();
        };
        calls.push({ operation: { [kind]: request } as unknown as Operation, options, pass, fail });
      });
  const held = new Proxy(store, {
    get(target, name) {
      if (name === 'put' || name === 'delete' || name === 'txn') return hold(name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { store: held, calls };
}

/** The key that each member of a shared call is about, the first that it writes; of a call of one, that one's. */
export function keysIn({ operation }: HeldCall): readonly string[] {
  const shared = 'txn' in operation && (operation.txn.compares?.length ?? 0) === 0;
  return shared ? operation.txn.then!.map(keyOf) : [keyOf(operation)];
}

function keyOf(operation: Operation): string {
  if ('txn' in operation) return keyOf(operation.txn.then![0]!);
  const { key, prefix } = ('put' in operation ? operation.put : Object.values(operation)[0]) as Record<string, string>;
  return (key ?? prefix)!;
}
