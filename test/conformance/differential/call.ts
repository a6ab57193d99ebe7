import type {
  Alarm,
  DeleteRequest,
  PutRequest,
  RangeRequest,
  Revision,
  Store,
  TxnRequest,
  WatchRequest,
} from 'setpoint/store';

/** One call of the store as data, under the name of its method, so that two stores can be asked the same. */
export type Call =
  | { readonly range: RangeRequest }
  | { readonly put: PutRequest }
  | { readonly delete: DeleteRequest }
  | { readonly txn: TxnRequest }
  | { readonly watch: WatchRequest }
  | { readonly compact: Revision }
  | { readonly leaseGrant: { readonly ttlSeconds: number; readonly id?: bigint } }
  | { readonly leaseKeepAlive: bigint }
  | { readonly leaseRevoke: bigint }
  | { readonly leaseTimeToLive: bigint; readonly keys?: boolean }
  | { readonly leases: true }
  | { readonly status: true }
  | { readonly members: true }
  | { readonly alarms: true }
  | { readonly disarm: Alarm };

/**
 * How a call is made: `aborted` with a signal that has aborted, `closed` on a store that has been closed, `alone` and
 * `timed` with the options of that name.
 */
export type Manner = 'aborted' | 'closed' | 'alone' | 'timed';

/** One step of a sequence. `template` stands for a call through {@link resolve}; `verbatim` is made as it is. */
export type Step =
  | { readonly template: Call; readonly manner?: Manner }
  | { readonly verbatim: Call }
  /** Waits until every short lease is over but those it names, which are renewed meanwhile. */
  | { readonly expiry: { readonly renew: readonly bigint[] } };

/** A step with its revisions and leases filled in: what was really asked. */
export type Asked = (Call & { readonly manner?: Manner }) | { readonly expiry: { readonly renew: readonly bigint[] } };

/** The method that a call goes to. */
export function methodOf(call: Call): Exclude<keyof Store, 'close'> {
  return Object.keys(call).find((name) => name !== 'keys' && name !== 'manner') as Exclude<keyof Store, 'close'>;
}

/** A TTL below this runs out in the course of a sequence that waits for it; all others outlive their sequence. */
export const SHORT_TTL_SECONDS = 10;
