import { MAX_REQUEST_BYTES, MAX_TXN_OPERATIONS, type Operation, type RangeRequest } from 'setpoint/store';
import type { Call } from './call.ts';

/** What callers from JavaScript may pass although the types forbid it. */
const forced = <T>(value: unknown): T => value as T;

const put: Operation = { put: { key: 'a', value: '' } };
const many = (count: number): Operation[] =>
  Array.from({ length: count }, (_, index) => ({ put: { key: `a${index}`, value: '' } }));
const huge = 'v'.repeat(MAX_REQUEST_BYTES);
const range = (fields: object): Call => ({ range: { key: 'a', ...fields } as RangeRequest });
const txn = (request: object): Call => ({ txn: request });

/** Calls that every store refuses in the same way, whatever is in it: with Invalid, TooLarge or TooManyOperations. */
export const REFUSED_CALLS: readonly Call[] = [
  range({ limit: -1 }),
  range({ limit: 1.5 }),
  range({ revision: -1n }),
  range({ minModRevision: 2n ** 63n }),
  range({ sort: { by: 'lease', order: 'ascend' } }),
  range({ end: '' }),
  range({ prefix: 'a' }),
  { range: { key: '' } },
  { range: { prefix: '' } },
  { range: { fromKey: '' } },
  { range: { key: 'a', revision: forced(1) } },
  { range: { key: huge } },
  { put: { key: '', value: '' } },
  { put: { key: '\ud800', value: '' } },
  { put: { key: 'a', value: '', lease: -1n } },
  { put: { key: 'a', value: '', lease: 1n, keepLease: true } },
  { put: { key: 'a', value: forced(1) } },
  { put: { key: 'a', value: huge } },
  { delete: forced({}) },
  { delete: forced({ end: 'a' }) },
  { delete: { key: huge } },
  txn({ then: [put, put] }),
  txn({ else: [put, { delete: { prefix: 'a' } }] }),
  txn({ then: [{ txn: { then: [put] } }, put] }),
  txn({ then: [{ ...put, range: { key: 'a' } }] }),
  txn({ compares: [{ key: 'a', target: 'version', operator: '=', operand: 1 }] }),
  txn({ compares: [{ key: 'a', target: 'size', operator: '=', operand: 1n }] }),
  txn({ compares: [{ key: 'a', target: 'mod', operator: '>=', operand: 1n }] }),
  txn({ then: many(MAX_TXN_OPERATIONS + 1) }),
  txn({ else: [{ txn: { then: many(MAX_TXN_OPERATIONS) } }] }),
  txn({ then: [{ put: { key: 'a', value: huge } }] }),
  { watch: { key: '' } },
  { watch: { key: 'a', startRevision: -1n } },
  { watch: { key: 'a', exclude: forced('all') } },
  { compact: -1n },
  { compact: forced(undefined) },
  { leaseGrant: { ttlSeconds: 0 } },
  { leaseGrant: { ttlSeconds: 9_000_000_001 } },
  { leaseGrant: { ttlSeconds: 1.5 } },
  { leaseGrant: { ttlSeconds: 5, id: -1n } },
];
