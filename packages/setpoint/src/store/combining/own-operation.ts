import type { BytesLike, Compare, KeySelector, Operation, TxnRequest } from '../port.ts';

/** A copy that its caller can't change any more, bytes included: a write may wait before it is sent. */
export function ownOperation(operation: Operation): Operation {
  if ('put' in operation) {
    const { put } = operation;
    return { put: { ...put, key: ownBytes(put.key), value: ownBytes(put.value) } };
  }
  if ('delete' in operation) return { delete: ownSelector(operation.delete) };
  if ('range' in operation) return { range: ownSelector(operation.range) };
  return { txn: ownTxn(operation.txn) };
}

function ownTxn(request: TxnRequest): TxnRequest {
  const { compares = [], then: onTrue = [], else: onFalse = [] } = request;
  return { compares: compares.map(ownCompare), then: onTrue.map(ownOperation), else: onFalse.map(ownOperation) };
}

function ownCompare(compare: Compare): Compare {
  const own = ownSelector(compare);
  return own.target === 'value' ? { ...own, operand: ownBytes(own.operand) } : own;
}

type Bounds = { -readonly [Name in 'key' | 'end' | 'prefix' | 'fromKey']?: BytesLike };

function ownSelector<Selector extends KeySelector>(selector: Selector): Selector {
  const own = { ...selector };
  const bounds = own as Bounds;
  if (bounds.key !== undefined) bounds.key = ownBytes(bounds.key);
  if (bounds.end !== undefined) bounds.end = ownBytes(bounds.end);
  if (bounds.prefix !== undefined) bounds.prefix = ownBytes(bounds.prefix);
  if (bounds.fromKey !== undefined) bounds.fromKey = ownBytes(bounds.fromKey);
  return own;
}

/** Buffers that are made from small arrays share blocks of memory, which costs the collector less. */
const ownBytes = (bytes: BytesLike): BytesLike => (typeof bytes === 'string' ? bytes : Buffer.from(bytes));
