import { describe, expect, it } from 'vitest';
import { isSetpointError, type SetpointError } from '../errors/index.ts';
import { checkCompact, checkLeaseGrant, checkPut, checkRange, checkTxn, checkWatch } from './check-request.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';
import type { Operation, PutRequest, RangeRequest, TxnRequest, WatchRequest } from './port.ts';

function refusal(check: () => void): SetpointError {
  try {
    check();
  } catch (error) {
    if (isSetpointError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const key = '/registry/a';

describe('what is checked before anything is sent', () => {
  it('says what was expected and what came, and where', () => {
    const error = refusal(() => checkRange({ key, limit: -1 }));
    expect(error.message).toBe('Invalid: range.limit: expected a whole number from 0, received number -1');
    expect(error.details.path).toBe('range.limit');
  });

  it.each<[string, object]>([
    ['a limit that is no whole number', { limit: 1.5 }],
    ['a revision that is a number', { revision: 5 }],
    ['a negative revision', { revision: -1n }],
    ['a revision past 64 bits', { revision: 2n ** 63n }],
    ['a bound that is a string', { minModRevision: '5' }],
    ['an unknown sort target', { sort: { by: 'name', order: 'ascend' } }],
    ['an unknown sort order', { sort: { by: 'key', order: 'up' } }],
  ])('refuses a range with %s', (_, fields) => {
    expect(refusal(() => checkRange({ key, ...fields } as RangeRequest)).code).toBe('Invalid');
  });

  it.each<[string, object]>([
    ['no operation', {}],
    ['two operations in one', { put: { key, value: '' }, range: { key } }],
    ['an unknown operation', { get: { key } }],
    ['an empty key', { put: { key: '', value: '' } }],
    ['a value that is no bytes', { put: { key, value: 5 } }],
    ['a lease that is a number', { put: { key, value: '', lease: 5 } }],
    ['a nested fault', { txn: { then: [{ range: { prefix: '' } }] } }],
  ])('refuses a transaction with %s', (_, operation) => {
    expect(refusal(() => checkTxn({ then: [operation as Operation] })).code).toBe('Invalid');
    expect(refusal(() => checkTxn({ else: [operation as Operation] })).code).toBe('Invalid');
  });

  it.each<[string, object]>([
    ['an unknown target', { target: 'size', operator: '=', operand: 1n }],
    ['an unknown operator', { target: 'mod', operator: '>=', operand: 1n }],
    ['a number for a bigint', { target: 'mod', operator: '=', operand: 1 }],
    ['a bigint for a value', { target: 'value', operator: '=', operand: 1n }],
  ])('refuses a compare with %s', (_, compare) => {
    const request = { compares: [{ key, ...compare }] } as unknown as TxnRequest;
    expect(refusal(() => checkTxn(request)).code).toBe('Invalid');
  });

  it('refuses watches, compactions and leases that make no sense', () => {
    expect(refusal(() => checkWatch({ key, exclude: 'get' } as unknown as WatchRequest)).code).toBe('Invalid');
    expect(refusal(() => checkWatch({ key, startRevision: -1n })).code).toBe('Invalid');
    expect(refusal(() => checkWatch({ key, end: key })).details.path).toBe('watch.end');
    expect(refusal(() => checkWatch({ key, end: '/' })).details.path).toBe('watch.end');
    expect(refusal(() => checkCompact(undefined as unknown as bigint)).code).toBe('Invalid');
    expect(refusal(() => checkCompact(-1n)).code).toBe('Invalid');
    expect(refusal(() => checkLeaseGrant({ ttlSeconds: 0 })).code).toBe('Invalid');
    expect(refusal(() => checkLeaseGrant({ ttlSeconds: 10, id: -1n })).code).toBe('Invalid');
  });

  it('F-62, F-112: what is too large says size, limit and key, whole transactions too, and no value', () => {
    const value = 'secret'.repeat(300_000);
    const single: PutRequest = { key, value };
    const half = value.slice(0, 800_000);
    const txn: TxnRequest = {
      then: [{ put: { key, value: half } }],
      else: [{ txn: { then: [{ put: { key: '/b', value: half } }] } }],
    };
    for (const check of [() => checkPut(single), () => checkTxn(txn), () => checkTxn({ then: [{ put: single }] })]) {
      const error = refusal(check);
      expect(error.code).toBe('TooLarge');
      expect(error.details).toMatchObject({ key, limit: MAX_REQUEST_BYTES });
      expect(error.details.size).toBeGreaterThan(MAX_REQUEST_BYTES);
      expect(error.message).not.toContain('secret');
    }
  });

  it('sizes count bytes, not characters', () => {
    expect(() => checkPut({ key, value: 'a'.repeat(1_500_000) })).not.toThrow();
    expect(refusal(() => checkPut({ key, value: 'ü'.repeat(1_000_000) })).code).toBe('TooLarge');
  });

  it('F-63: a transaction that is too long says so before its keys are compared with each other', () => {
    const then = Array.from({ length: 129 }, (): Operation => ({ put: { key, value: '' } }));
    const error = refusal(() => checkTxn({ then }));
    expect(error.code).toBe('TooManyOperations');
    expect(error.details).toEqual({ key, size: 129, limit: 128 });
  });
});
