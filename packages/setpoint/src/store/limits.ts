import { SetpointError } from '../errors/index.ts';
import type { Operation, TxnRequest } from './port.ts';
import { txnSize } from './request-size.ts';

/** How large one request may be in etcd's encoding: 1.5 MiB, the server's `--max-request-bytes`. */
export const MAX_REQUEST_BYTES: number = 1_572_864;

/** How many operations one path through a transaction may have: the server's `--max-txn-ops`. */
export const MAX_TXN_OPERATIONS: number = 128;

/** The largest TTL that etcd grants, in seconds (its `MaxLeaseTTL`). */
export const MAX_LEASE_TTL_SECONDS: number = 9_000_000_000;

/** What the server wraps around a request before it measures it: request id, user name and lengths. */
const ENVELOPE_BYTES = 128;

/** The largest size, as `request-size.ts` counts it, that passes {@link checkSize}. */
export const LARGEST_SIZE: number = MAX_REQUEST_BYTES - ENVELOPE_BYTES;

/** Throws `TooLarge` for a request that etcd would refuse for its size; `name` gives the key that the error names. */
export function checkSize(size: number, name: () => string): void {
  if (size <= LARGEST_SIZE) return;
  const key = name();
  throw new SetpointError(
    'TooLarge',
    `a request about ${key}: ${size} bytes, the store takes ${MAX_REQUEST_BYTES} with its envelope; ` +
      'keep large content elsewhere and store where it is, or split it over several keys',
    { details: { key, size, limit: MAX_REQUEST_BYTES } },
  );
}

/** As {@link checkSize}, and throws `TooManyOperations` when a path through the transaction is too long. */
export function checkTxnLimits(request: TxnRequest, name: () => string): void {
  const operations = longestPath(request);
  if (operations > MAX_TXN_OPERATIONS) {
    const key = name();
    throw new SetpointError(
      'TooManyOperations',
      `a transaction about ${key}: ${operations} operations on one path, the store takes ${MAX_TXN_OPERATIONS}; ` +
        'a transaction is never split silently, since its parts could not be atomic together',
      { details: { key, size: operations, limit: MAX_TXN_OPERATIONS } },
    );
  }
  checkSize(txnSize(request), name);
}

/**
 * etcd counts max(compares, then, else) of a transaction and, where a transaction is nested, adds its own count: the
 * largest such sum along a path of nesting is what the limit holds for.
 */
export function longestPath(request: TxnRequest): number {
  const { compares = [], then: onTrue = [], else: onFalse = [] } = request;
  const own = Math.max(compares.length, onTrue.length, onFalse.length);
  return own > MAX_TXN_OPERATIONS ? own : own + Math.max(longestNested(onTrue), longestNested(onFalse));
}

function longestNested(operations: readonly Operation[]): number {
  let longest = 0;
  for (const operation of operations) {
    if ('txn' in operation) longest = Math.max(longest, longestPath(operation.txn));
  }
  return longest;
}
