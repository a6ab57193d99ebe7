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
  return {
    ...(request.compares && { compares: request.compares.map(ownCompare) }),
    ...(request.then && { then: request.then.map(ownOperation) }),
    ...(request.else && { else: request.else.map(ownOperation) }),
  };
}

function ownCompare(compare: Compare): Compare {
  const own = ownSelector(compare);
  return own.target === 'value' ? { ...own, operand: ownBytes(own.operand) } : own;
}

function ownSelector<Selector extends KeySelector>(selector: Selector): Selector {
  const { key, end, prefix, fromKey } = selector as Partial<Record<'key' | 'end' | 'prefix' | 'fromKey', BytesLike>>;
  return {
    ...selector,
    ...(key !== undefined && { key: ownBytes(key) }),
    ...(end !== undefined && { end: ownBytes(end) }),
    ...(prefix !== undefined && { prefix: ownBytes(prefix) }),
    ...(fromKey !== undefined && { fromKey: ownBytes(fromKey) }),
  };
}

/** Not `slice`: a Buffer's shares its memory. */
const ownBytes = (bytes: BytesLike): BytesLike => (typeof bytes === 'string' ? bytes : new Uint8Array(bytes));
